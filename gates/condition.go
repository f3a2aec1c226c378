package gates

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"
)

// Conditions are written in CEL (cel.dev), a language of expressions without loops or
// side effects.

// What a condition may cost: steps of its evaluation, and characters of its text.
const (
	maxCost      = 1_000_000
	maxCondition = 4096
)

// A vocabulary is the variables that the conditions of a kind of gate may name: what its
// source answered, and the subject's words. It is made once.
type vocabulary func() (*cel.Env, error)

// A dictionary is variables with their types.
type dictionary map[string]*cel.Type

var (
	httpWords, httpWordsButStatus = dictionary{
		"status":  cel.IntType,                                 // HTTP status of the answer
		"headers": cel.MapType(cel.StringType, cel.StringType), // of the answer, names in small letters
		"body":    cel.DynType,                                 // the answer as JSON; null when it is none
		"text":    cel.StringType,                              // the answer as it is
	}.but("status")
	prometheusWords, prometheusWordsButValue = dictionary{
		"value":  cel.DoubleType,                                         // of the only sample
		"values": cel.ListType(cel.MapType(cel.StringType, cel.DynType)), // every sample: labels and value
	}.but("value")
	dataWords = dictionary{
		"objects":  cel.IntType, // how many there are
		"bytes":    cel.IntType, // how large they are together
		"manifest": cel.DynType, // the manifest as JSON; null without one
	}.vocabulary()
)

// vocabulary returns the words of d, and what every condition may compare an answer with.
func (d dictionary) vocabulary() vocabulary {
	options := []cel.EnvOption{cel.CrossTypeNumericComparisons(true)}
	for word := range (Subject{}).words() {
		options = append(options, cel.Variable(word, cel.StringType))
	}
	for word, kind := range d {
		options = append(options, cel.Variable(word, kind))
	}
	return sync.OnceValues(func() (*cel.Env, error) { return cel.NewEnv(options...) })
}

// but returns the vocabulary of d, and the one that lacks a word: what compiles with that
// does not name the word.
func (d dictionary) but(word string) (all, fewer vocabulary) {
	all = d.vocabulary()
	delete(d, word)
	return all, d.vocabulary()
}

// words returns what conditions may name of a subject.
func (s Subject) words() map[string]any {
	return map[string]any{"version": string(s.Version), "environment": s.Environment, "commit": s.Commit}
}

// CheckHTTP returns what is wrong with a condition of an HTTP gate: a sentence.
func CheckHTTP(text string) error { return httpWords.check(text) }

// CheckPrometheus returns what is wrong with a condition of a Prometheus gate.
func CheckPrometheus(text string) error { return prometheusWords.check(text) }

// CheckData returns what is wrong with a condition of a data gate.
func CheckData(text string) error { return dataWords.check(text) }

// check compiles a condition and forgets it.
func (v vocabulary) check(text string) error {
	_, err := v.compile(text)
	return err
}

// A condition is one that was compiled. The zero value never holds.
type condition struct {
	text    string
	program cel.Program
}

// compile returns the condition of a text.
func (v vocabulary) compile(text string) (condition, error) {
	if len(text) > maxCondition {
		return condition{}, fmt.Errorf("the condition has %d characters: write at most %d", len(text), maxCondition)
	}
	env, err := v()
	if err != nil {
		return condition{}, err
	}
	ast, issues := env.Compile(text)
	if issues != nil && issues.Err() != nil {
		return condition{}, fmt.Errorf("not a condition in CEL: %s", explain(issues))
	}
	if ast.OutputType() != cel.BoolType && ast.OutputType() != cel.DynType {
		return condition{}, fmt.Errorf("the condition is %s and not true or false: compare it with something", ast.OutputType())
	}
	program, err := env.Program(ast, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptOptimize))
	return condition{text, program}, err
}

// explain says what is wrong with a condition, and where.
func explain(issues *cel.Issues) string {
	var parts []string
	for _, e := range issues.Errors() {
		part := fmt.Sprintf("column %d: %s", e.Location.Column()+1, strings.TrimSpace(e.Message))
		if strings.HasSuffix(part, "applied to '(double, int)'") {
			part += ": write the number with a point, such as 0.0"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

// errUnmet says that a condition cannot be evaluated on an answer, such as one that
// lacks a field. It holds neither way.
var errUnmet = errors.New("cannot be evaluated")

// holds evaluates the condition. The error wraps errUnmet where the answer does not have
// what the condition asks for.
func (c condition) holds(answer map[string]any) (bool, error) {
	if c.program == nil {
		return false, nil
	}
	value, _, err := c.program.Eval(answer)
	var dear interpreter.EvalCancelledError
	switch {
	case errors.As(err, &dear):
		return false, fmt.Errorf("condition %q takes too long on this answer: write a simpler one", c.text)
	case err != nil:
		return false, fmt.Errorf("condition %q %w: %v", c.text, errUnmet, err)
	}
	met, ok := value.(types.Bool)
	if !ok {
		return false, fmt.Errorf("condition %q %w: it is %s and not true or false", c.text, errUnmet, value.Type())
	}
	return bool(met), nil
}

// A rule is the conditions of a gate.
type rule struct{ pass, fail condition }

// rule compiles the conditions of a gate; an empty one never holds.
func (v vocabulary) rule(pass, fail string) (r rule, err error) {
	if pass != "" {
		if r.pass, err = v.compile(pass); err != nil {
			return rule{}, err
		}
	}
	if fail != "" {
		r.fail, err = v.compile(fail)
	}
	return r, err
}

// judge evaluates fail before pass, because what speaks against a version weighs more.
// Result is Pending when neither holds, and why says so. It is Pending too when nobody
// can tell whether fail holds: not to know is never a yes.
func (r rule) judge(answer map[string]any) (result Result, why string, err error) {
	failed, err := r.fail.holds(answer)
	switch {
	case errors.Is(err, errUnmet):
		return Pending, err.Error(), nil
	case err != nil:
		return Pending, "", err
	case failed:
		return Failed, r.fail.text, nil
	}
	passed, err := r.pass.holds(answer)
	switch {
	case errors.Is(err, errUnmet):
		return Pending, err.Error(), nil
	case err != nil:
		return Pending, "", err
	case passed:
		return Passed, r.pass.text, nil
	}
	return Pending, "not " + r.pass.text, nil
}
