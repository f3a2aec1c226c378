package rollback_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lockstep/gitops"
	"lockstep/rollback"
)

// TestMain lets property tests take more turns than rapid's 100. RAPID_CHECKS says how
// many: with 10000, as in make test, it is the proof.
func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv("RAPID_CHECKS") == "" {
		_ = flag.Set("rapid.checks", "1000")
	}
	os.Exit(m.Run())
}

// runs is the version that the run of a history brings.
const runs = "2.0.0"

// A doc is the values file of a service, in pieces: it knows what people wrote and
// where the version stands because it was put together so, not from a parser.
type doc struct {
	head, above, below, tail []string // lines around the version's
	quote, version, remark   string
	eol                      string
	fault                    string // what makes the file one that cannot be edited; "" for nothing
	gone                     bool
}

func (d doc) text() string {
	lines := append(slices.Clone(d.head), "data:")
	lines = append(append(lines, d.above...), "  version: "+d.quote+d.version+d.quote+d.remark)
	lines = append(append(append(lines, d.below...), d.tail...), "")
	return strings.Join(lines, d.eol) + d.fault
}

// sound reports that the version can be read and set where it was.
func (d doc) sound() bool { return !d.gone && d.fault == "" }

// A step is one commit of a person, or of another run, that changes one service.
type step struct {
	service  int
	act, arg string
}

// acts is what people do. The first ones leave the version and its line alone.
var acts = []string{
	"head", "above", "below", "tail", "drop", "line ends", "restore",
	"remark", "quote", "set", "reset", "again", "break", "twice", "delete", "rename",
}

// A history is what happens around a run: the services as they were, and what people do
// before the run, between its bumps, after it, and while the rollback is under way.
type history struct {
	docs                          []doc
	before, between, after, while []step
}

var histories = rapid.Custom(func(t *rapid.T) history {
	h := history{docs: rapid.SliceOfN(docs, 1, 5).Draw(t, "docs")}
	n := 0
	steps := func(most int, label string) []step {
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			n++
			return step{
				rapid.IntRange(0, len(h.docs)-1).Draw(t, "service"), rapid.SampledFrom(acts).Draw(t, "act"),
				rapid.SampledFrom([]string{"a", "ü🚀", "1.0.0", runs, "x: y", "#"}).Draw(t, "arg") + fmt.Sprint(n),
			}
		}), 0, most).Draw(t, label)
	}
	h.before, h.between, h.after, h.while = steps(3, "before"), steps(4, "between"), steps(12, "after"), steps(2, "while")
	return h
})

var docs = rapid.Custom(func(t *rapid.T) doc {
	return doc{
		head:    []string{"# values", "image: registry.example.com/mds:" + runs},
		above:   []string{"  package: mda # " + runs},
		below:   []string{"  checksum: 'no'"},
		tail:    []string{"versions: [1.0.0, " + runs + "]"},
		quote:   rapid.SampledFrom([]string{"", `"`, "'"}).Draw(t, "quote"),
		version: rapid.SampledFrom([]string{"1.0.0", "1.0.1"}).Draw(t, "version"),
		eol:     rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "eol"),
	}
})

// A land is the state of a repository as it must be, whatever Lockstep does.
type land struct {
	docs  []doc
	past  [][]doc           // of each service, before each commit of a person
	extra map[string]string // files under new names
	old   []string          // of each service, the version that the run found; "" when it left it alone
}

func newLand(h history) *land {
	return &land{docs: slices.Clone(h.docs), past: make([][]doc, len(h.docs)), extra: map[string]string{}, old: make([]string, len(h.docs))}
}

func path(service int) string { return fmt.Sprintf("int/s%d/values.yaml", service) }

// do carries out a person's commit.
func (l *land) do(s step) {
	d := l.docs[s.service]
	past := &l.past[s.service]
	if s.act == "restore" { // git revert of the last one
		if n := len(*past); n > 0 {
			// The run's own bump in between is no person's: it stays.
			now := d.version
			back := (*past)[n-1]
			if l.old[s.service] != "" && back.version == l.old[s.service] && now == runs {
				back.version = now
			}
			l.docs[s.service], *past = back, (*past)[:n-1]
		}
		return
	}
	*past = append(*past, d)
	l.docs[s.service] = l.edit(d, s)
}

// edit returns d after a step.
func (l *land) edit(d doc, s step) doc {
	key := "k" + strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s.arg)
	entry := fmt.Sprintf("%s: \"%s\" # %s", key, s.arg, s.arg)
	add := func(to []string, line string) []string { return append(slices.Clone(to), line) }
	switch s.act {
	case "head":
		d.head = add(d.head, entry)
	case "above":
		d.above = add(d.above, "  "+entry)
	case "below":
		d.below = append([]string{"  " + entry}, d.below...)
	case "tail":
		d.tail = add(d.tail, entry)
	case "drop":
		d.above, d.below = nil, nil
	case "line ends":
		d.eol = map[string]string{"\n": "\r\n", "\r\n": "\n"}[d.eol]
	case "remark":
		d.remark = " # " + s.arg
	case "quote":
		d.quote = map[string]string{"": `"`, `"`: "'", "'": ""}[d.quote]
	case "set":
		d.version = "3.0." + fmt.Sprint(len(s.arg))
	case "reset":
		d.version = "1.0.0"
	case "again":
		d.version = runs
	case "break":
		d.fault = "broken: [" + d.eol
	case "twice":
		d.fault = "data: {version: " + runs + "}" + d.eol
	case "delete":
		d.gone = true
	case "rename":
		if !d.gone {
			l.extra["int/"+key+"/values.yaml"] = d.text()
		}
		d.gone = true
	}
	return d
}

// files returns all files as they stand.
func (l *land) files() map[string]string {
	files := maps.Clone(l.extra)
	for i, d := range l.docs {
		if !d.gone {
			files[path(i)] = d.text()
		}
	}
	return files
}

// A place is where a history is played: in memory, or in a real repository.
type place interface {
	// people makes the files what they are now, as a commit of people.
	people(files map[string]string)
	// read returns a file as it stands.
	read(file string) ([]byte, error)
	// write commits bumps on what stood before meanwhile is called; where people have
	// committed by then, it is gitops.ErrConflict and nothing is written.
	write(bumps []gitops.Bump, meanwhile func()) error
	// stands returns all files as they stand.
	stands() map[string]string
}

// A failer is what rapid and testing have in common here.
type failer interface {
	Fatalf(format string, args ...any)
}

// play plays a history in a place, rolls the run back, and fails t unless every byte
// of people's is there, and every version of the run's is gone that could be.
func play(t failer, h history, at place) {
	l := newLand(h)
	commit := func(steps []step) {
		for _, s := range steps {
			l.do(s)
			at.people(l.files())
		}
	}
	at.people(l.files())
	commit(h.before)
	var wrote []gitops.Bump
	for half := range 2 { // two changes, with people in between
		var bumps []gitops.Bump
		for i, d := range l.docs {
			if i%2 == half && d.sound() && d.version != runs {
				bumps = append(bumps, bumpOf(i, d.version))
				l.old[i], l.docs[i].version = d.version, runs
			}
		}
		if err := at.write(bumps, func() {}); err != nil {
			t.Fatalf("bump: %v", err)
		}
		wrote = append(wrote, bumps...)
		if half == 0 {
			commit(h.between)
		}
	}
	commit(h.after)
	way := back(t, at, wrote, func() { commit(h.while) })
	for i, d := range l.docs {
		if l.old[i] != "" && d.sound() && d.version == runs {
			l.docs[i].version = l.old[i]
		}
	}
	equal(t, at.stands(), l.files())
	for _, left := range way.Left {
		var i int
		_, _ = fmt.Sscanf(left.Bump.Service, "s%d", &i)
		if d := l.docs[i]; d.sound() && (d.version == string(left.Bump.From) || d.version == runs) {
			t.Fatalf("%s was left to people because %s:\n%s", left.Bump.Service, left.Reason, d.text())
		}
	}
}

func bumpOf(service int, from string) gitops.Bump {
	return gitops.Bump{
		Place:   gitops.Place{Repo: "env/mda", File: path(service), Key: "data.version"},
		Service: fmt.Sprintf("s%d", service), Environment: "int", From: gitops.Version(from), To: runs,
	}
}

// back rolls back what a run wrote. People commit once while it is under way; then it
// reads again and plans again.
func back(t failer, at place, wrote []gitops.Bump, meanwhile func()) rollback.Way {
	for {
		stands := map[gitops.Place]rollback.Standing{}
		for _, b := range wrote {
			data, err := at.read(b.File)
			var version gitops.Version
			if err == nil {
				version, err = gitops.Value(b.File, data, b.Key)
			}
			if err != nil {
				stands[b.Place] = rollback.Standing{Missing: err.Error()}
				continue
			}
			stands[b.Place] = rollback.Standing{Version: version}
		}
		way := rollback.Plan(wrote, stands)
		var bumps []gitops.Bump
		for _, put := range way.Puts {
			bumps = append(bumps, put.Bumps...)
		}
		once := meanwhile
		meanwhile = func() {}
		switch err := at.write(bumps, once); {
		case err == nil:
			return way
		case !errors.Is(err, gitops.ErrConflict):
			t.Fatalf("rollback: %v", err)
		}
	}
}

// equal fails t unless the files are the same, byte for byte.
func equal(t failer, got, want map[string]string) {
	for file, text := range want {
		if got[file] != text {
			t.Fatalf("%s is\n%q, want\n%q", file, got[file], text)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("files %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// inMemory is a place without git.
type inMemory struct {
	files   map[string]string
	commits int // of people
}

func (m *inMemory) people(files map[string]string) {
	m.files = maps.Clone(files)
	m.commits++
}

func (m *inMemory) read(file string) ([]byte, error) {
	if text, ok := m.files[file]; ok {
		return []byte(text), nil
	}
	return nil, gitops.ErrNotFound
}

func (m *inMemory) write(bumps []gitops.Bump, meanwhile func()) error {
	edited, err := gitops.Change{Bumps: bumps}.Apply(m.read)
	stood := m.commits
	if meanwhile(); m.commits != stood {
		return gitops.ErrConflict
	}
	for file, text := range edited {
		m.files[file] = string(text)
	}
	return err
}

func (m *inMemory) stands() map[string]string { return m.files }

// Whatever people commit around a run: its rollback changes no byte but the versions
// that the run wrote and that still stand, and leaves none of these to people.
func TestRollbackLosesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { play(t, histories.Draw(t, "history"), &inMemory{}) })
}
