package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/bot/web"
	"lockstep/gitops"
)

// nobody is an address at which no server answers.
const nobody = " --server http://127.0.0.1:1"

// Plan shows what a run would do and rehearses its rollback, with and without a server,
// and changes nothing.
func TestPlan(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(works)
	calls := len(s.Journal.Calls())
	s.types(
		typed{line: "plan integration " + nextVersion, says: []string{
			"mda " + nextVersion + " through track integration\n\nint, main of env/mda at ",
			"  fbv   " + works.Version + " → " + nextVersion + "  environments/int/fbv/values.yaml data.version   matches environments/int/*/values.yaml\n",
			"  +++ environments/int/kv/values.yaml\n  @@ -6 +6 @@\n  -  version: \"" + works.Version + "\"\n  +  version: \"" + nextVersion + "\"\n",
			"  gate: int-test (pipeline of qa/int-test)\n", "\nqueue: lane integration is free\n", "\ndata: complete in preview: ",
			"rollback, rehearsed: 4 of 4 files byte for byte what they were\n", "\na run would start: lockstep promote integration " + nextVersion + "\n",
		}, not: "refused"},
		typed{line: "plan integration " + nextVersion + nobody, says: []string{"queue: not known: ask server http://127.0.0.1:1: ", `is "lockstep serve" running there?`, "a run would start"}},
		typed{line: "plan integration " + works.Version, says: []string{works.Version + " already", "already there: every service names " + works.Version + ", and there is nothing to do\n"}, not: "---"},
		typed{line: "plan integration 2026.99.9", code: 1, says: []string{"a run would be refused:\n"}, not: "would start"},
		typed{line: "plan integration soon", code: 2, says: []string{`version "soon" is not valid for package "mda"`}},
		typed{line: "plan nowhere " + nextVersion, code: 2, says: []string{`unknown track "nowhere": have integration, release`}},
		typed{line: "plan integration " + nextVersion + " --package mdb", code: 2, says: []string{`unknown package "mdb"`}},
	)
	if got := s.Journal.Calls(); len(got) != calls {
		t.Errorf("plan made calls: %v", got[calls:])
	}
}

// Plan as JSON holds every file, before and after.
func TestPlanJSON(t *testing.T) {
	t.Parallel()
	s := openScene(t, worldOptions{})
	var out, refusal bytes.Buffer
	code := run(t.Context(), strings.Fields("plan release "+nextVersion+" --output json --config "+s.Config+nobody), &out, &refusal)
	var p planned
	if err := json.Unmarshal(out.Bytes(), &p); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v: %s%s", code, err, out.String(), refusal.String())
	}
	if len(p.Stages) != 3 || len(p.Back) != 12 || len(p.Stages[2].Files) != 4 || p.Stages[0].Services[1].Version != firstVersion {
		t.Errorf("got %s", out.String())
	}
	if slices.ContainsFunc(p.Back, func(f bot.FilePreview) bool { return len(f.Diff) > 0 }) {
		t.Errorf("a file is not what it was: %v", p.Back)
	}
}

// A plan says why a run would be refused, be it the server that knows or GitLab.
func TestPlanRefused(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(fails)
	by := s.report(fails.Version).Run.ID
	s.types(typed{line: "plan integration " + fails.Version, code: 1, says: []string{
		"a run would be refused:\n  mda " + fails.Version + " is condemned on track integration by run " + by, "--force REASON\n",
	}})
	s.says("lanes", "integration", "freeze")
	s.types(typed{line: "plan integration " + nextVersion, says: []string{"queue: lane integration is free; ", "the test says so", "a run would start"}})
	test := obstacles["nobody may merge"]
	if err := test.raise(s); err != nil {
		t.Fatal(err)
	}
	s.types(typed{line: "plan integration " + nextVersion, code: 1, says: []string{
		"  holds a rollback up: ", test.says, "\na run would be refused:\n  environment int: a rollback could not be carried out without people: ",
	}})
}

// A version that has not finished the track before is refused.
func TestPlanFrom(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.script(works)
	from := bot.Request{Track: "release", Package: "mda", Version: gitops.Version(works.Version), From: "integration"}
	tells := func() string {
		r := &bot.Rehearsal{}
		if err := s.api.finished(t.Context(), from, r); err != nil {
			t.Fatal(err)
		}
		return strings.Join(r.Refused, "\n")
	}
	if got, want := tells(), "mda "+works.Version+" may go through track release once it has finished track integration well, and none of its last runs there was of it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.play(works)
	if got := tells(); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	holder := web.RunLine{Package: "mda", Version: "1", Track: "integration", State: bot.Synced}
	waits := func(track, version string) web.QueuedLine {
		return web.QueuedLine{Run: web.RunLine{ID: "0193", Package: "mda", Version: gitops.Version(version), Track: track}}
	}
	for _, test := range []struct {
		lane      web.QueueLane
		supersede bool
		want      string
	}{
		{web.QueueLane{Lane: "other"}, false, "lane slow is free"},
		{web.QueueLane{Lane: "slow"}, false, "lane slow is free"},
		{web.QueueLane{Lane: "slow", Holder: &holder}, false, "lane slow: behind 1 (mda 1 holds it, synced)"},
		{web.QueueLane{Lane: "slow", Holder: &holder, Waiting: []web.QueuedLine{waits("integration", "2")}}, false, "lane slow: behind 2 (mda 1 holds it, synced; mda 2 waits)"},
		{web.QueueLane{Lane: "slow", Holder: &holder, Waiting: []web.QueuedLine{waits("integration", "2"), waits("release", "2")}}, true, "lane slow: behind 2 (mda 1 holds it, synced; mda 2 waits); it would take the place of 1 that wait"},
		{web.QueueLane{Lane: "slow", Waiting: []web.QueuedLine{waits("integration", "3")}}, false, "lane slow: run 0193 of that version waits already, and it would join that"},
	} {
		got := place(web.Queue{Lanes: []web.QueueLane{test.lane}}, bot.Request{Lane: "slow", Track: "integration", Package: "mda", Version: "3", Supersede: test.supersede})
		if got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
