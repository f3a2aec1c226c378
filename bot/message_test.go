package bot

import (
	"slices"
	"testing"
)

func TestMessages(t *testing.T) {
	t.Parallel()
	r := &Run{ID: "1", Stages: []Stage{{Delivery: Delivery{IID: 7}}}, Backs: []Delivery{{}}}
	r.Stages[0].Delivery.Change.Repo = "env/mda"
	note, label := "1/note/env/mda!7", "1/label/gitlab!label"
	tests := []struct {
		event Event
		want  []string
	}{
		{Event{State: Queued}, []string{note, label}},
		{Event{State: Started}, []string{"1/start/chat", "1/start/mail", note, label}},
		{Event{State: Merged}, []string{note, label}},
		{Event{State: Stalled, Seq: 5}, []string{"1/call/chat/5", "1/call/mail/5", note, label}},
		{Event{State: Done}, []string{"1/finish/chat", "1/finish/mail", note, label}},
		{Event{State: RolledBack, Direction: Back}, []string{"1/finish/chat", "1/finish/mail", note, label}},
		{Event{State: RollbackFailed, Direction: Back}, []string{"1/finish/chat", "1/finish/mail", note, label}},
		{Event{State: Refused}, []string{"1/finish/chat", "1/finish/mail", note, label}},
		{Event{State: Superseded}, []string{note, label}},
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

// Statuses are due as soon as there is a commit that shows them, the note and the label
// with the first merge request. The same event makes each due once for the whole run.
func TestMessagesThatMirror(t *testing.T) {
	t.Parallel()
	r := &Run{ID: "1", Tagged: &Tagged{"data/mda", "v1", "aaa"}}
	if got := Messages(r, Event{State: Queued}, nil); len(got) != 1 || got[0].ID != "1/status/gitlab!status" || !got[0].Kind.Mirrors() {
		t.Errorf("queued: got %+v, want the status of the tag", got)
	}
	r.Stages = []Stage{{Delivery: Delivery{IID: 7}}, {Delivery: Delivery{IID: 8}}}
	if got := Messages(r, Event{State: Merged, Seq: 9}, nil); len(got) != 4 || got[2].Kind != MessageLabel || got[3].Kind != MessageStatus || got[3].Seq != 9 {
		t.Errorf("with two merge requests: got %+v, want two notes, labels and statuses", got)
	}
}

// A run that undoes another one has a note on its own merge requests alone.
func TestMessagesOfUndoing(t *testing.T) {
	t.Parallel()
	r := &Run{ID: "2", Undoes: "1", Stages: []Stage{{Delivery: Delivery{IID: 7}}}, Backs: []Delivery{{IID: 8}}}
	r.Stages[0].Delivery.Change.Repo, r.Backs[0].Change.Repo = "env/mda", "env/mda"
	if got := Messages(r, Event{State: Merged, Direction: Back}, nil); len(got) != 2 || got[0].ID != "2/note/env/mda!8" || got[1].Kind != MessageLabel {
		t.Errorf("got %+v, want the note on !8 alone, and labels", got)
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
