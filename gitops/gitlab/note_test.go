package gitlab

import (
	"strings"
	"testing"

	"lockstep/fixtures"
)

func TestNote(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{Edition: "EE"})
	mr := opened(t, g, c)
	g.AddPerson("eva", 40, env)
	if _, err := g.Comment(env, int(mr.IID), "eva", "<!-- lockstep:r1 -->\nnot the bot's"); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		body             string
		creates, updates int
	}{
		{"Waits for **int**.", 1, 0},
		{"Waits for **int**.", 1, 0},
		{"Waits for **int**.\r\n", 1, 0},
		{"Deployed.\n/promote would go on\n/close", 1, 1},
		{"Deployed.\n/promote would go on\n/close", 1, 1},
	}
	for _, step := range steps {
		if err := c.Note(t.Context(), env, mr.IID, "lockstep:r1", step.body); err != nil {
			t.Fatal(err)
		}
		if creates, updates := calls(g, "create note"), calls(g, "update note"); creates != step.creates || updates != step.updates {
			t.Errorf("%q: got %d created, %d updated; want %d, %d", step.body, creates, updates, step.creates, step.updates)
		}
	}
	notes := g.Notes(env, int(mr.IID))
	if want := "<!-- lockstep:r1 -->\nDeployed.\n /promote would go on\n /close"; len(notes) != 2 || notes[1].Body != want {
		t.Errorf("got %+v, want %q", notes, want)
	}
	if err := c.Note(t.Context(), env, mr.IID, "lockstep:r2", "Another run."); err != nil || len(g.Notes(env, int(mr.IID))) != 3 {
		t.Errorf("another marker: got %+v, %v", g.Notes(env, int(mr.IID)), err)
	}
}

func TestNoteLost(t *testing.T) {
	t.Parallel()
	for _, test := range twice {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g, c := world(t, fixtures.Options{})
			mr := opened(t, g, c)
			for _, step := range []struct{ call, body string }{{"create note", "one"}, {"update note", "two"}} {
				breakOnce(g, step.call, test.fault, test.after)
				lost(t, g, step.call, c.Note(t.Context(), env, mr.IID, "m", step.body))
				if err := c.Note(t.Context(), env, mr.IID, "m", step.body); err != nil {
					t.Errorf("%s again: got %v", step.call, err)
				}
				notes := g.Notes(env, int(mr.IID))
				if len(notes) != 1 || !strings.HasSuffix(notes[0].Body, "\n"+step.body) {
					t.Errorf("%s: got %+v", step.call, notes)
				}
			}
		})
	}
}
