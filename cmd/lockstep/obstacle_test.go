package main

import (
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/fixtures"
)

// ofInt rewrites how the environment int is configured, with more lines of it.
func (s *scene) ofInt(lines ...string) {
	s.Helper()
	s.rewrite("  int:\n    repository: env/mda\n", "  int:\n    repository: env/mda\n    "+strings.Join(lines, "\n    ")+"\n")
}

// A rollback that is pushed lands as one commit on the deployed branch, without a merge
// request, also while a person commits beside it.
func TestRollbackByPush(t *testing.T) {
	t.Parallel()
	given := fails
	given.Want.Merges = 1
	s := openScene(t, worldOptions{})
	s.ofInt("rollback: {via: push}")
	s.begin()
	theirs := beside[1]
	s.was.Tree[theirs.file] = strings.Replace(s.was.Tree[theirs.file], theirs.old, theirs.changed, 1)
	s.at(moment{"push", 2, arrives}, func() { s.edits(theirs) })
	s.play(given)
	if list, err := s.git("log", "-1", "--format=%an %P", "main"); err != nil || !strings.HasPrefix(list, "Lockstep ") || len(strings.Fields(list)) != 2 {
		t.Errorf("main ends in %q, want one plain commit of the bot (%v)", list, err)
	}
	if got := len(s.GitLab.MergeRequests(envProject)); got != 1 {
		t.Errorf("%d merge requests, want the one that goes forward", got)
	}
}

// obstacles are rules of GitLab that a rollback could not pass without people.
var obstacles = map[string]struct {
	push  bool // the rollback is pushed
	raise func(*scene) error
	says  string
}{
	"approvals": {
		false, func(s *scene) error { return s.GitLab.RequireApprovals(envProject, 1) }, "approval",
	},
	"nobody may merge": {
		false, func(s *scene) error { return s.GitLab.Protect(envProject, "main", 0, 0) }, "merge",
	},
	"nobody may push": {
		true, func(s *scene) error { return s.GitLab.Protect(envProject, "main", 40, 0) }, "push",
	},
	"a check of others": {
		false, func(s *scene) error { return s.GitLab.RequireStatusCheck(envProject, "audit") }, "audit",
	},
}

// Where a rollback could not be carried out without people no run starts, and nothing
// has changed.
func TestObstacles(t *testing.T) {
	t.Parallel()
	for name, test := range obstacles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openScene(t, worldOptions{Edition: "EE"})
			if test.push {
				s.ofInt("rollback: {via: push}")
			}
			s.begin()
			if err := test.raise(s); err != nil {
				t.Fatal(err)
			}
			s.tag(works.Version)
			reason := s.reaches(works.Version, bot.Refused).Run.Reason
			s.told(reason, func(m fixtures.Message) bool { return strings.Contains(said(m), reason) })
			s.quiet()
			if !strings.Contains(reason, "a rollback could not be carried out without people: ") || !strings.Contains(reason, test.says) || !strings.HasSuffix(reason, "; mend it, or write rollback.attended: true") {
				t.Errorf("the run is refused with %q, want it to name %q and the cure", reason, test.says)
			}
			if messages := s.Chat.Messages(); len(messages) != 1 {
				t.Errorf("people were told %v, want one message with %q", messages, reason)
			}
			for _, call := range s.Journal.Calls() {
				if call.Server != "chat" && call.Name != "set commit status" { // which tells people as well
					t.Errorf("the refused run made this call: %v", call)
				}
			}
			s.stands(firstVersion, environments...)
		})
	}
}

// An attended environment starts although merge requests need approvals: people approve
// what goes forward, and are called to approve what goes back.
func TestAttended(t *testing.T) {
	t.Parallel()
	given := fails
	given.Want.Calls = 1
	s := openScene(t, worldOptions{Edition: "EE"})
	s.ofInt("rollback: {attended: true}")
	s.begin()
	s.GitLab.AddPerson("olga", 30, envProject)
	if err := s.GitLab.RequireApprovals(envProject, 1); err != nil {
		t.Fatal(err)
	}
	s.script(given)
	s.tag(given.Version)
	s.sentence(given.Version, "not approved")
	s.quiet()
	s.stands(firstVersion, "int")
	if err := s.GitLab.Approve(envProject, 1, "olga"); err != nil {
		t.Fatal(err)
	}
	text, run := s.called(given.Version)
	if !strings.Contains(text, "the rollback waits in !2: ") || !strings.Contains(text, "lockstep resume "+run.ID) {
		t.Errorf("people are called with\n%s\nwant it to name what waits and lockstep resume", text)
	}
	s.stands(given.Version, "int")
	if err := s.GitLab.Approve(envProject, 2, "olga"); err != nil {
		t.Fatal(err)
	}
	s.says("runs", run.ID, "resume")
	s.ends(given)
}

// Where a person merges, people are told once and the run waits; its rollback is merged
// by the bot.
func TestMergeByPerson(t *testing.T) {
	t.Parallel()
	given := fails
	given.Want.Calls = 1
	s := openScene(t, worldOptions{})
	s.ofInt("merge: person")
	s.begin()
	s.script(given)
	s.tag(given.Version)
	s.told("to come", isCall)
	s.quiet()
	if s.merges() != 0 {
		t.Error("it was merged by the bot")
	}
	s.stands(firstVersion, "int")
	if err := s.GitLab.MergeByPerson(envProject, 1); err != nil {
		t.Fatal(err)
	}
	s.ends(given)
	if mrs := s.GitLab.MergeRequests(envProject); len(mrs) != 2 || mrs[0].MergedBy == mrs[1].MergedBy {
		t.Errorf("merge requests %+v, want one merged by a person and one by the bot", mrs)
	}
}
