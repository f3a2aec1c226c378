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
