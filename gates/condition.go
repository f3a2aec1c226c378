package gates

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// Conditions are written in CEL (cel.dev), a language of expressions without loops or
// side effects.

// What a condition may cost: steps of its evaluation, and characters of its text.
const (
	maxCost      = 1_000_000
	maxCondition = 4096
)

// A subject of conditions is what the source of a gate answered: the variables that its
// conditions may name, with their types.
type vocabulary map[string]*cel.Type

var (
	httpWords = vocabulary{
		"status":  cel.IntType,                                 // HTTP status of the answer
		"headers": cel.MapType(cel.StringType, cel.StringType), // of the answer, names in small letters
		"body":    cel.DynType,                                 // the answer as JSON; null when it is none
		"text":    cel.StringType,                              // the answer as it is
	}
	prometheusWords = vocabulary{
		"value":  cel.DoubleType,                                         // of the only sample
		"values": cel.ListType(cel.MapType(cel.StringType, cel.DynType)), // every sample: labels and value
	}
	dataWords = vocabulary{
		"objects":  cel.IntType, // how many there are
		"bytes":    cel.IntType, // how large they are together
		"manifest": cel.DynType, // the manifest as JSON; null without one
	}
)

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

// compile returns the program of a condition.
func (v vocabulary) compile(text string) (cel.Program, error) {
	if len(text) > maxCondition {
		return nil, fmt.Errorf("the condition has %d characters: write at most %d", len(text), maxCondition)
	}
	options := []cel.EnvOption{cel.CrossTypeNumericComparisons(true)}
	for name, kind := range v {
		options = append(options, cel.Variable(name, kind))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(text)
	if issues != nil && issues.Err() != nil {
		var parts []string
		for _, e := range issues.Errors() {
			parts = append(parts, fmt.Sprintf("column %d: %s", e.Location.Column()+1, strings.TrimSpace(e.Message)))
		}
		return nil, fmt.Errorf("not a condition in CEL: %s", strings.Join(parts, "; "))
	}
	if ast.OutputType() != cel.BoolType && ast.OutputType() != cel.DynType {
		return nil, fmt.Errorf("the condition is %s and not true or false: compare it with something", ast.OutputType())
	}
	return env.Program(ast, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptOptimize))
}

// errUnmet says that a condition cannot be evaluated on an answer, such as one that
// lacks a field. It holds neither way.
var errUnmet = errors.New("cannot be evaluated")

// holds evaluates a condition. The error wraps errUnmet where the answer does not have
// what the condition asks for.
func (v vocabulary) holds(text string, answer map[string]any) (bool, error) {
	program, err := v.compile(text)
	if err != nil {
		return false, err
	}
	value, _, err := program.Eval(answer)
	if err != nil {
		return false, fmt.Errorf("condition %q %w: %v", text, errUnmet, err)
	}
	met, ok := value.(types.Bool)
	if !ok {
		return false, fmt.Errorf("condition %q %w: it is %s and not true or false", text, errUnmet, value.Type())
	}
	return bool(met), nil
}

// judge evaluates the conditions of a gate: fail before pass, because what speaks
// against a version weighs more. Result is Pending when neither holds, and why says so.
func (v vocabulary) judge(pass, fail string, answer map[string]any) (result Result, why string, err error) {
	if fail != "" {
		failed, err := v.holds(fail, answer)
		switch {
		case err != nil && !errors.Is(err, errUnmet):
			return Pending, "", err
		case failed:
			return Failed, fail, nil
		}
	}
	passed, err := v.holds(pass, answer)
	switch {
	case errors.Is(err, errUnmet):
		return Pending, err.Error(), nil
	case err != nil:
		return Pending, "", err
	case passed:
		return Passed, pass, nil
	}
	return Pending, "not " + pass, nil
}
