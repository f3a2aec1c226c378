package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"lockstep/gitops"
)

// editCmd sets a version in local files.
type editCmd struct {
	output
	Files     []fileName     `arg:"" name:"file" help:"The files. A - alone is standard input; the result goes to standard output."`
	Key       string         `help:"Where the version stands: data.version, services[name=mds].version, or #mda for a line marked so." required:"" placeholder:"KEY"`
	To        gitops.Version `help:"The version that is to stand there." required:"" placeholder:"VERSION"`
	From      gitops.Version `help:"The version that must stand there now, unless it is the new one; any when left out." placeholder:"VERSION"`
	DryRun    bool           `help:"Say what would change; write nothing."`
	Diff      bool           `help:"Print what would change as a unified diff; write nothing."`
	StdinName string         `help:"The name of what comes on standard input: one that ends in .gotmpl is a template." default:"-" placeholder:"NAME"`
}

// Help says more than one line.
func (editCmd) Help() string {
	return `Needs no server and no configuration. Only the bytes of the version change: comments,
quotes, blank lines and line ends stay as they are. A file in which that cannot be
proven is refused, with line, column, reason and cure. Of several files either all
are written or none.

    lockstep edit values.yaml --key data.version --to 2026.11.4
    lockstep edit int/*/values.yaml --key '#mda' --to 2026.11.4 --diff
    lockstep edit - --key data.version --to 2026.11.4 < old.yaml > new.yaml

Exit codes: 0 the version stands there now, or stood there already; 1 a file was
refused or could not be written, and every file is as it was; 2 the command line is
wrong.`
}

// An edited is what becomes of one file.
type edited struct {
	File    string         `json:"file"`
	Line    int            `json:"line,omitempty"`
	Column  int            `json:"column,omitempty"`
	From    gitops.Version `json:"from,omitempty"`
	To      gitops.Version `json:"to,omitempty"`
	Changed bool           `json:"changed"`           // whether the two differ
	Written bool           `json:"written"`           // whether the file was
	Refused string         `json:"refused,omitempty"` // why it cannot be edited
	Cure    string         `json:"cure,omitempty"`

	local localFile
	after []byte
	err   error // the refusal, as people read it
}

// Run edits all files, or none.
func (c *editCmd) Run(con *console) error {
	if err := c.check(); err != nil {
		return misused(err)
	}
	var files []edited
	for _, name := range c.Files {
		files = append(files, c.edit(string(name)))
	}
	refused := slices.ContainsFunc(files, func(e edited) bool { return e.err != nil })
	if !refused && !c.DryRun && !c.Diff && !c.stdin() {
		if err := writeAll(files, os.Rename); err != nil {
			return err
		}
	}
	switch {
	case c.Output == "json":
		return con.editedJSON(files)
	case refused:
		return refusals(files)
	}
	return c.print(con, files)
}

// stdin reports whether standard input is edited.
func (c *editCmd) stdin() bool { return slices.Contains(c.Files, "-") }

// check reports what is wrong with the command line, and names each file once.
func (c *editCmd) check() error {
	_, err := gitops.ParseVersion(string(c.To))
	if err == nil && c.From != "" {
		_, err = gitops.ParseVersion(string(c.From))
	}
	if err == nil {
		err = gitops.CheckKey(c.Key)
	}
	c.once()
	switch {
	case err != nil:
		return err
	case c.Diff && c.Output == "json":
		return errors.New("--diff prints no JSON: use --dry-run, or leave out --output")
	case c.stdin() && len(c.Files) > 1:
		return errors.New("- stands alone: edit files by another command")
	case c.stdin() && c.Output == "json" && !c.DryRun:
		return errors.New("standard output cannot hold both the result and JSON: add --dry-run, or name a file")
	}
	return nil
}

// once removes files that are named twice.
func (c *editCmd) once() {
	seen := map[string]bool{}
	c.Files = slices.DeleteFunc(c.Files, func(file fileName) bool {
		name := string(file)
		if name != "-" {
			name = "./" + filepath.Clean(name)
		}
		twice := seen[name]
		seen[name] = true
		return twice
	})
}

// edit reads one file and edits what it holds.
func (c *editCmd) edit(name string) (e edited) {
	var err error
	if e.File = name; name == "-" {
		e.File = c.StdinName
		e.local.data, err = atMost(os.Stdin)
	} else {
		e.local, err = readLocal(name)
	}
	if err == nil {
		err = c.set(&e)
	}
	if err != nil {
		e.err, e.Refused = err, err.Error()
		if refusal, ok := errors.AsType[*gitops.EditError](err); ok {
			e.Line, e.Column, e.Refused, e.Cure = refusal.Line, refusal.Column, refusal.Reason, refusal.Cure
		}
	}
	return e
}

// set sets the version in what the file holds. The expected version is of no interest
// where the new one stands already, so that a script may run twice.
func (c *editCmd) set(e *edited) error {
	spot, err := gitops.Locate(e.File, e.local.data, c.Key)
	if err != nil {
		return err
	}
	from := c.From
	if spot.Version == c.To {
		from = c.To
	}
	if e.after, err = gitops.Edit(e.File, e.local.data, c.Key, from, c.To); err != nil {
		return err
	}
	e.Line, e.Column, e.From, e.To, e.Changed = spot.Line, spot.Column, spot.Version, c.To, spot.Version != c.To
	return nil
}

// print shows what was done, what would be done, or what came of standard input.
func (c *editCmd) print(con *console, files []edited) error {
	for _, e := range files {
		var err error
		switch {
		case c.Diff:
			_, err = con.out.Write(gitops.Diff(e.File, e.local.data, e.after))
		case c.stdin() && !c.DryRun:
			_, err = con.out.Write(e.after)
		case !e.Changed:
			con.printf("%s:%d:%d: %s stands there already\n", e.File, e.Line, e.Column, string(e.To))
		case e.Written:
			con.printf("%s:%d:%d: %s is now %s\n", e.File, e.Line, e.Column, string(e.From), string(e.To))
		default:
			con.printf("%s:%d:%d: %s would become %s\n", e.File, e.Line, e.Column, string(e.From), string(e.To))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// editedJSON prints one line for each file; one that was refused is an error.
func (c *console) editedJSON(files []edited) error {
	var failed error
	for _, e := range files {
		if e.err != nil {
			failed = errSilent
		}
		if err := c.json(e); err != nil {
			return err
		}
	}
	return failed
}

// refusals returns the refusals of all files as one error, each on its line.
func refusals(files []edited) error {
	var all []error
	for _, e := range files {
		if e.err != nil {
			all = append(all, errors.New(printable(e.err.Error())))
		}
	}
	if others := len(files) - len(all); others > 0 {
		all = append(all, fmt.Errorf("nothing was written: %d of %d files were refused", len(all), len(files)))
	}
	return errors.Join(all...)
}
