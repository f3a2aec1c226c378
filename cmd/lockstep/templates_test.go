package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"

	"lockstep/bot"
)

// A ciInput is an input that a template declares.
type ciInput struct {
	Description string
	Type        string
	Default     any
	Regex       string
}

// A ciJob is what matters of a job.
type ciJob struct {
	Image        string
	IDTokens     map[string]struct{ Aud string } `yaml:"id_tokens"`
	Variables    map[string]string
	Script       []string
	AllowFailure struct {
		ExitCodes []int `yaml:"exit_codes"`
	} `yaml:"allow_failure"`
}

var (
	inputUse = regexp.MustCompile(`\$\[\[ inputs\.([a-z]+) \]\]`)
	variable = regexp.MustCompile(`"\$([A-Z_]+)"`)
)

// The component declares what it uses, each with a pattern that keeps it a value, and its
// command line is one of ours.
func TestComponent(t *testing.T) {
	t.Parallel()
	inputs, text := component(t)
	used := map[string]bool{}
	for _, m := range inputUse.FindAllStringSubmatch(text, -1) {
		used[m[1]] = true
		if _, declared := inputs[m[1]]; !declared {
			t.Errorf("input %s is used and not declared", m[1])
		}
	}
	for name, in := range inputs {
		if !used[name] {
			t.Errorf("input %s is declared and not used", name)
		}
		holdInput(t, name, in)
	}
	jobs := map[string]ciJob{}
	if err := yaml.Unmarshal([]byte(text), &jobs); err != nil {
		t.Fatal(err)
	}
	job := jobs["$[[ inputs.job ]]"]
	if job.IDTokens["LOCKSTEP_ID_TOKEN"].Aud != "$[[ inputs.server ]]" || !slices.Equal(job.AllowFailure.ExitCodes, []int{exitWarned}) {
		t.Errorf("got job %+v", job)
	}
	holdScript(t, job)
}

// component returns the inputs that the component declares, and its text behind them.
func component(t *testing.T) (inputs map[string]ciInput, text string) {
	t.Helper()
	data, err := os.ReadFile("../../templates/promote.yml")
	if err != nil {
		t.Fatal(err)
	}
	head, text, found := strings.Cut(string(data), "\n---\n")
	var spec struct {
		Spec struct{ Inputs map[string]ciInput }
	}
	if err := yaml.Unmarshal([]byte(head), &spec); err != nil || !found || len(spec.Spec.Inputs) == 0 {
		t.Fatalf("the component declares no inputs (%v)", err)
	}
	return spec.Spec.Inputs, text
}

// holdInput holds an input to having a description and a pattern that its default fits,
// and that nothing does which would end the text around it.
func holdInput(t *testing.T, name string, in ciInput) {
	t.Helper()
	if in.Description == "" {
		t.Errorf("input %s has no description", name)
	}
	if in.Type == "boolean" {
		return
	}
	pattern, err := regexp.Compile(in.Regex)
	if err != nil || in.Regex == "" {
		t.Errorf("input %s has pattern %q: %v", name, in.Regex, err)
		return
	}
	if text, ok := in.Default.(string); ok && !pattern.MatchString(text) {
		t.Errorf("input %s: its default %q does not fit %s", name, text, in.Regex)
	}
	for _, hostile := range []string{"a\"\n  script: [id]", `a"`, `a\`, "a\nb", "a\rb"} {
		if pattern.MatchString(hostile) {
			t.Errorf("input %s takes %q", name, hostile)
		}
	}
}

// holdScript holds the commands of a job to what the program takes. Variables of theirs
// stand in quotes, and no input stands in them at all.
func holdScript(t *testing.T, job ciJob) {
	t.Helper()
	if len(job.Script) == 0 {
		t.Error("the job has no script")
	}
	for _, line := range job.Script {
		if inputUse.MatchString(line) || strings.Contains(variable.ReplaceAllString(line, ""), "$") {
			t.Errorf("an input, or a variable without quotes, stands in %s", line)
		}
		filled := variable.ReplaceAllStringFunc(line, func(name string) string {
			text, ok := job.Variables[strings.Trim(name, `"$`)]
			if !ok {
				t.Errorf("variable %s of %s is not set", name, line)
			}
			return example(text)
		})
		args := strings.Fields(filled)
		if args[0] != "lockstep" {
			t.Errorf("%s is no command of ours", line)
			continue
		}
		if _, err := newParser(t.Context(), io.Discard, io.Discard, func(int) {}).Parse(args[1:]); err != nil {
			t.Errorf("%s: %v", filled, err)
		}
	}
}

// example returns a value for a variable that holds an input.
func example(text string) string {
	switch text {
	case "$[[ inputs.wait ]]":
		return "true"
	case "$[[ inputs.timeout ]]":
		return "1h30m"
	}
	return inputUse.ReplaceAllString(text, "some-$1")
}

// The example uses the inputs of the component, all that it needs, as the component wants
// them; its commands are ours.
func TestScheduledExample(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/examples/scheduled.gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Include  []struct{ Inputs map[string]string }
		Stages   []string
		WhatRuns ciJob `yaml:"what-runs"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil || len(file.Include) != 1 {
		t.Fatalf("%+v, %v", file, err)
	}
	declared, _ := component(t)
	given := file.Include[0].Inputs
	for name, value := range given {
		in, ok := declared[name]
		if !ok || !regexp.MustCompile(in.Regex).MatchString(value) {
			t.Errorf("the component does not take input %s with %q", name, value)
		}
	}
	for name, in := range declared {
		if _, ok := given[name]; in.Default == nil && !ok {
			t.Errorf("input %s is missing", name)
		}
	}
	if !slices.Contains(file.Stages, given["stage"]) || file.WhatRuns.IDTokens["LOCKSTEP_ID_TOKEN"].Aud != given["server"] {
		t.Errorf("got %+v", file)
	}
	holdScript(t, file.WhatRuns)
}

// docs/commands.md has every command, in comments and on the command line, and every exit
// code.
func TestManualHasEveryCommand(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range bot.Verbs {
		if want := "\n| `/lockstep " + verb.Usage() + "` |"; !bytes.Contains(data, []byte(want)) {
			t.Errorf("docs/commands.md has no %q", want)
		}
	}
	parser := newParser(t.Context(), io.Discard, io.Discard, func(int) {})
	for _, command := range leaves(parser.Model.Node) {
		name := strings.Fields(command.FullPath())
		want := regexp.MustCompile("`" + strings.Join(name, " ") + "[ `]")
		if !want.Match(data) {
			t.Errorf("docs/commands.md does not have %s", command.FullPath())
		}
	}
	for _, row := range []string{"| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 4 |", "| 5 |", "| 6 |"} {
		if !bytes.Contains(data, []byte("\n"+row)) {
			t.Errorf("docs/commands.md does not have exit code %s", row)
		}
	}
}

// leaves returns the commands below a node that have none below them.
func leaves(n *kong.Node) []*kong.Node {
	if len(n.Children) == 0 {
		return []*kong.Node{n}
	}
	var all []*kong.Node
	for _, child := range n.Children {
		all = append(all, leaves(child)...)
	}
	return all
}
