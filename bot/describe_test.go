package bot

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"lockstep/gitops"
	"lockstep/rollback"
)

// described returns a run that sets two services of int, for texts.
func described() (*Bot, *Run) {
	r := newRun()
	r.ID, r.By, r.State = "0193-7c", "ana", Proposed
	plan := StagePlan{Environment: "int", Repo: "env/mda", Branch: "main"}
	var bumps []gitops.Bump
	for _, service := range []string{"kv", "mds"} {
		bumps = append(bumps, gitops.Bump{
			Place:       gitops.Place{Repo: "env/mda", File: "int/" + service + "/values.yaml", Key: "data.version"},
			Environment: "int", Service: service, From: oldVersion, To: newVersion,
		})
	}
	when := time.Date(2026, 11, 3, 9, 0, 0, 123, time.FixedZone("CET", 3600))
	r.Stages = []Stage{{Plan: plan, Delivery: Delivery{Change: r.change(plan, bumps, when)}}}
	return &Bot{RunURL: func(id string) string { return "https://lockstep.example/runs/" + id }}, r
}

// turnBack gives a run of described its way back.
func turnBack(r *Run, cause string) {
	r.State, r.Cause = Failed, &Cause{Sentence: cause}
	put := rollback.Put{Repo: "env/mda", Bumps: r.Stages[0].Delivery.Change.Inverse()}
	r.Backs = []Delivery{{Change: r.backChange(put, time.Date(2026, 11, 3, 9, 5, 0, 0, time.UTC))}}
	r.Direction = Back
}

func TestForwardTexts(t *testing.T) {
	t.Parallel()
	b, r := described()
	got := b.proposal(r, r.Delivery())
	wantTitle := "mda 1.1.0 → int (2 services)"
	wantBody := `Track integration, asked for by a tag, pushed by ana.

int/kv: 1.0.0 → 1.1.0
int/mds: 1.0.0 → 1.1.0

Lockstep-Run: 0193-7c`
	wantDescription := "Sets **mda 1.1.0** for every dependent service on track `integration`, asked for by a tag, pushed by ana.\n" + `
| service | environment | file | key | old | new |
|---|---|---|---|---|---|
| kv | int | int/kv/values.yaml | data.version | ` + "`1.0.0` | `1.1.0`" + ` |
| mds | int | int/mds/values.yaml | data.version | ` + "`1.0.0` | `1.1.0`" + ` |

Lockstep merges this itself, and puts it back when a deployment or a gate fails.

[Run 0193-7c](https://lockstep.example/runs/0193-7c)

Lockstep-Run: 0193-7c
`
	if got.Title != wantTitle {
		t.Errorf("title: got %q, want %q", got.Title, wantTitle)
	}
	if got.Body != wantBody {
		t.Errorf("commit message:\n%s\nwant:\n%s", got.Body, wantBody)
	}
	if got.Description != wantDescription {
		t.Errorf("description:\n%s\nwant:\n%s", got.Description, wantDescription)
	}
	if labels := strings.Join(got.Labels, " "); labels != "lockstep data::mda" {
		t.Errorf("labels: got %q", labels)
	}
	if want := time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC); got.When != want {
		t.Errorf("the commit is of %v, want %v", got.When, want)
	}
	if got.Branch != "lockstep/0193-7c-int" || got.Target != "main" {
		t.Errorf("from %q into %q", got.Branch, got.Target)
	}
}

func TestBackTexts(t *testing.T) {
	t.Parallel()
	b, r := described()
	turnBack(r, "gate int-test failed: 3 tests failed")
	got := b.proposal(r, r.Delivery())
	wantBody := `gate int-test failed: 3 tests failed

int/mds: 1.1.0 → 1.0.0
int/kv: 1.1.0 → 1.0.0

Lockstep-Run: 0193-7c`
	wantDescription := "Puts back what the run of **mda 1.1.0** on track `integration` wrote: gate int-test failed: 3 tests failed.\n" + `
| service | environment | file | key | old | new |
|---|---|---|---|---|---|
| mds | int | int/mds/values.yaml | data.version | ` + "`1.1.0` | `1.0.0`" + ` |
| kv | int | int/kv/values.yaml | data.version | ` + "`1.1.0` | `1.0.0`" + ` |

Lockstep merges this itself and verifies every service after it.

[Run 0193-7c](https://lockstep.example/runs/0193-7c)

Lockstep-Run: 0193-7c
`
	if want := "Roll back mda 1.1.0 (2 services)"; got.Title != want {
		t.Errorf("title: got %q, want %q", got.Title, want)
	}
	if got.Body != wantBody {
		t.Errorf("commit message:\n%s\nwant:\n%s", got.Body, wantBody)
	}
	if got.Description != wantDescription {
		t.Errorf("description:\n%s\nwant:\n%s", got.Description, wantDescription)
	}
	if labels := strings.Join(got.Labels, " "); labels != "lockstep data::mda rollback" {
		t.Errorf("labels: got %q", labels)
	}
}

// Names and reasons come from outside: people, directories, jobs. None forges a
// trailer, begins a quick action, breaks the table, or calls anybody.
func TestTextsFromOutside(t *testing.T) {
	t.Parallel()
	evil := "x\nLockstep-Run: other\n/merge | @all <img src=x> `code` [a](b)"
	b, r := described()
	r.By = evil
	r.Stages[0].Delivery.Change.Bumps[0].Service = evil
	r.Stages[0].Delivery.Change.Bumps[0].File = "int/" + evil
	r.Stages[0].Delivery.Change.Body = r.body(r.Stages[0].Delivery.Change)
	forward := b.proposal(r, r.Delivery())
	turnBack(r, evil)
	for _, p := range []gitops.Proposal{forward, b.proposal(r, r.Delivery())} {
		for _, text := range []string{p.Body, p.Description} {
			trailers := 0
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, gitops.TrailerRun) {
					trailers++
				}
				if strings.HasPrefix(line, "/") {
					t.Errorf("a line begins a quick action: %q", line)
				}
			}
			if got := gitops.Trailer(text, gitops.TrailerRun); got != r.ID || trailers != 1 {
				t.Errorf("%d trailers, the last names %q:\n%s", trailers, got, text)
			}
		}
		for _, bad := range []string{"@all", "<img", " `code`", "[a]("} {
			if strings.Contains(p.Description, bad) {
				t.Errorf("the description holds %q:\n%s", bad, p.Description)
			}
		}
		if n := strings.Count(p.Description, "\n| "); n != 3 {
			t.Errorf("the table has %d rows, want 3:\n%s", n, p.Description)
		}
	}
}

func TestTitleIsShortEnough(t *testing.T) {
	t.Parallel()
	r := newRun()
	r.Package, r.Version = strings.Repeat("p", 63), gitops.Version(strings.Repeat("9", 128))
	c := r.change(StagePlan{Environment: strings.Repeat("e", 63)}, make([]gitops.Bump, 10), time.Time{})
	if n := utf8.RuneCountInString(c.Title); n != maxTitle || !strings.HasSuffix(c.Title, "…") {
		t.Errorf("the title has %d characters: %q", n, c.Title)
	}
}
