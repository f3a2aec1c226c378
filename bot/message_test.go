package bot

import (
	"slices"
	"testing"
)

func TestMessages(t *testing.T) {
	t.Parallel()
	r := &Run{ID: "1", Stages: []Stage{{Delivery: Delivery{IID: 7}}}, Backs: []Delivery{{}}}
	r.Stages[0].Delivery.Change.Repo = "env/mda"
	note := "1/note/env/mda!7"
	tests := []struct {
		event Event
		want  []string
	}{
		{Event{State: Queued}, []string{note}},
		{Event{State: Started}, []string{"1/start/chat", "1/start/mail", note}},
		{Event{State: Merged}, []string{note}},
		{Event{State: Stalled, Seq: 5}, []string{"1/call/chat/5", "1/call/mail/5", note}},
		{Event{State: Done}, []string{"1/finish/chat", "1/finish/mail", note}},
		{Event{State: RolledBack, Direction: Back}, []string{"1/finish/chat", "1/finish/mail", note}},
		{Event{State: RollbackFailed, Direction: Back}, []string{"1/finish/chat", "1/finish/mail", note}},
		{Event{State: Refused}, []string{"1/finish/chat", "1/finish/mail", note}},
		{Event{State: Superseded}, []string{note}},
	}
	for _, test := range tests {
		var got []string
		for _, m := range Messages(r, test.event, []string{"chat", "mail"}) {
			got = append(got, m.ID)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.event.State, got, test.want)
		}
	}
}

// A run that undoes another one has a note on its own merge requests alone.
func TestMessagesOfUndoing(t *testing.T) {
	t.Parallel()
	r := &Run{ID: "2", Undoes: "1", Stages: []Stage{{Delivery: Delivery{IID: 7}}}, Backs: []Delivery{{IID: 8}}}
	r.Stages[0].Delivery.Change.Repo, r.Backs[0].Change.Repo = "env/mda", "env/mda"
	if got := Messages(r, Event{State: Merged, Direction: Back}, nil); len(got) != 1 || got[0].ID != "2/note/env/mda!8" {
		t.Errorf("got %+v, want the note on !8 alone", got)
	}
}

// A run that stalls twice calls people twice, also for the same reason; while it is
// stalled nothing calls them again.
func TestOneCallForEachStall(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, ""), newRun()
	b := w.bot()
	r.State, r.Reason = Synced, "kv and mds run 1.1.0"
	r.Stages = []Stage{{Plan: w.stages[0].Plan, Gates: []GateState{{Name: "int-test"}}}}
	var calls []string
	step := func(words ...string) {
		w.script = words
		o, err := b.Step(t.Context(), r)
		r.Word = nil
		applied := r.Apply(o, err, w.now, b.Limits)
		if applied.Event == nil {
			return
		}
		for _, m := range Messages(r, *applied.Event, []string{"chat"}) {
			if m.Kind == MessageCall {
				calls = append(calls, m.ID)
			}
		}
	}
	for range 2 {
		step("no-variables")
		for range 3 {
			step()
		}
		if r.State != Stalled {
			t.Fatalf("the run is %s: %s", r.State, r.Reason)
		}
		r.Word = &Word{Verb: VerbResume, By: "ada"}
		step()
	}
	if want := []string{"0193/call/chat/1", "0193/call/chat/3"}; !slices.Equal(calls, want) {
		t.Errorf("got %q, want %q", calls, want)
	}
}
