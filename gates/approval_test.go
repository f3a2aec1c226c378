package gates

import (
	"context"
	"strings"
	"testing"
)

// said holds opinions.
type said []Opinion

func (s said) Opinions(context.Context, Subject) ([]Opinion, error) { return s, nil }

func TestApproval(t *testing.T) {
	t.Parallel()
	yes := func(names ...string) (all said) {
		for _, name := range names {
			all = append(all, Opinion{By: name, Yes: true})
		}
		return all
	}
	tests := []struct {
		gate Approval
		said said
		want Result
		says string
	}{
		{Approval{}, nil, Pending, "0 of 1 approvals; may approve: anybody"},
		{Approval{}, yes("ben"), Passed, "approved by ben"},
		{Approval{Count: 2}, yes("ben", "ben"), Pending, "1 of 2"},
		{Approval{Count: 2}, yes("ben", "Ben", "ben "), Pending, "1 of 2"},
		{Approval{Count: 2}, yes("ben", "cleo"), Passed, "ben, cleo"},
		{Approval{By: []string{"cleo"}}, yes("ben"), Pending, "may approve: cleo"},
		{Approval{By: []string{"Cleo"}}, yes("cleo"), Passed, "approved by cleo"},
		{Approval{NotAuthor: true}, yes("ana"), Pending, "0 of 1 approvals; may approve: anybody but ana"},
		{Approval{NotAuthor: true}, yes("Ana"), Pending, "0 of 1"},
		{Approval{NotAuthor: true, By: []string{"ana", "cleo"}}, nil, Pending, "may approve: cleo"},
		{Approval{NotAuthor: true, By: []string{"ana"}}, nil, Pending, "may approve: nobody"},
		{Approval{}, yes("ana"), Passed, ""},
		{Approval{}, said{{By: "ben", Reason: "prices are wrong"}}, Failed, "denied by ben: prices are wrong"},
		{Approval{}, append(yes("ben"), Opinion{By: "ben"}), Passed, "approved by ben"},
		{Approval{Count: 2}, append(yes("ben"), Opinion{By: "cleo"}), Failed, "denied by cleo"},
		{Approval{By: []string{"cleo"}}, said{{By: "ben"}}, Pending, "0 of 1"},

		// accounts get other names, and names other accounts
		{Approval{NotAuthor: true}, said{{By: "anna", ByID: 1, Yes: true}}, Pending, "0 of 1"},
		{Approval{NotAuthor: true}, said{{By: "ana", ByID: 2, Yes: true}}, Passed, "approved by ana"},
		{Approval{NotAuthor: true}, said{{By: "ana", Yes: true}}, Pending, "0 of 1"},
		{Approval{NotAuthor: true}, said{{By: "anna", Yes: true}}, Passed, "approved by anna"}, // by a token: who that is in GitLab is not known
		{Approval{Count: 2}, said{{By: "ben", ByID: 2, Yes: true}, {By: "benno", ByID: 2, Yes: true}}, Pending, "1 of 2"},
		{Approval{Count: 2}, said{{By: "ben", ByID: 2, Yes: true}, {By: "ben", Yes: true}}, Pending, "1 of 2"},
		{Approval{Count: 2}, said{{By: "ben", ByID: 2, Yes: true}, {By: "ben", ByID: 3, Yes: true}}, Passed, "ben, ben"},
	}
	for _, test := range tests {
		test.gate.From = test.said
		s := subject(0)
		s.ByID = 1
		v, err := test.gate.Ask(t.Context(), s, "")
		if err != nil || v.Result != test.want || !strings.Contains(v.Reason, test.says) {
			t.Errorf("%+v: got %q, %q, %v", test.gate, v.Result, v.Reason, err)
		}
	}
}

func TestMayApprove(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ who, author, want string }{
		{"", "ana", "needs a name"},
		{"ana", "ana", "somebody else"},
		{"ANA", "ana", "somebody else"},
		{"ben", "ana", "ben may not approve here, but cleo may"},
		{"cleo", "ana", ""},
		{"cleo", "", "nobody knows who asked for the run"}, // it may be cleo
	} {
		err := Approval{By: []string{"ana", "cleo"}, NotAuthor: true}.May(Person{Name: test.who}, Person{Name: test.author})
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q in a run of %q: got %v, want %q", test.who, test.author, err, test.want)
		}
	}
	g := Approval{NotAuthor: true, From: said{{By: "cleo", Yes: true}}}
	s := subject(0)
	s.By = ""
	if v, err := g.Ask(t.Context(), s, ""); err != nil || v.Result != Pending || !strings.Contains(v.Reason, "nobody knows") {
		t.Errorf("got %+v, %v", v, err)
	}
}
