package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/fixtures"
)

// botName is the account that Lockstep has in GitLab.
const botName = "lockstep-bot"

// The people of a talk, by what they may: gus is a guest of the environment repository,
// rita a reporter, dora a developer; operator is a maintainer.
var talkers = map[string]int{"gus": 10, "rita": 20, "dora": 30}

// goAhead is an approval behind int.
var goAhead = []string{"      - environment: int\n        gates:\n", `      - environment: int
        gates:
          - {name: go, approval: {count: 1}}
`}

// A talk is a scene in which people steer by comments in one form.
type talk struct {
	*scene
	form string // what stands before a verb
}

// newTalk starts a scene with its people.
func newTalk(t *testing.T, edition, form string) *talk {
	t.Helper()
	s := openScene(t, worldOptions{Edition: edition})
	s.rewrite(append(goAhead, "    supersede: none", "    from: integration")...)
	for name, level := range talkers {
		s.GitLab.AddPerson(name, level, envProject)
	}
	s.begin()
	return &talk{s, form}
}

// comment lets somebody write a command on a merge request, and returns its note; 0 when
// GitLab took the line for a quick action of its own.
func (k *talk) comment(who string, iid int64, command string) int {
	k.Helper()
	id, err := k.GitLab.Comment(envProject, int(iid), who, k.form+command)
	if err != nil {
		k.Fatal(err)
	}
	return id
}

// replies returns what the bot has answered to a note.
func (k *talk) replies(iid int64, note int) (replies []string) {
	for _, n := range k.GitLab.Notes(envProject, int(iid)) {
		if n.Author == botName && strings.HasPrefix(n.Body, fmt.Sprintf("<!-- lockstep:reply:%d -->", note)) {
			replies = append(replies, n.Body)
		}
	}
	return replies
}

// says lets somebody write a command on a merge request and holds the answer against its
// parts.
func (k *talk) says(who string, iid int64, command string, parts ...string) {
	k.Helper()
	note := k.comment(who, iid, command)
	if note == 0 {
		k.Fatalf("GitLab swallowed %q", k.form+command)
	}
	k.await(fmt.Sprintf("the answer to %q of %s", command, who), func() bool { return len(k.replies(iid, note)) > 0 })
	text := strings.ReplaceAll(k.replies(iid, note)[0], `\`, "")
	for _, part := range parts {
		if !strings.Contains(text, part) {
			k.Errorf("the answer to %q of %s does not say %q:\n%s", command, who, part, text)
		}
	}
}

// refuses is says for somebody who may not.
func (k *talk) refuses(who string, iid int64, command, level string) {
	k.Helper()
	runs := len(k.runs())
	k.says(who, iid, command, level, envProject)
	if more := len(k.runs()) - runs; more != 0 {
		k.Errorf("%q of %s made %d runs", command, who, more)
	}
}

// bump waits until the newest run of a version on a track has a merge request and is in
// a state, and returns both.
func (k *talk) bump(version, track string, state bot.State) (iid int64, run *bot.Run) {
	k.Helper()
	k.await(fmt.Sprintf("%s to be %s on %s", version, state, track), func() bool {
		run = k.newest(version, track)
		if run == nil || run.State != state || len(run.Stages) == 0 {
			return false
		}
		iid = run.Stages[0].Delivery.IID
		return iid != 0
	})
	return iid, run
}

// newest returns the newest run of a version on a track; nil without one.
func (k *talk) newest(version, track string) *bot.Run {
	k.Helper()
	for _, r := range k.runs() {
		if string(r.Version) == version && r.Track == track {
			run := &bot.Run{}
			report := struct{ Run *bot.Run }{run}
			if err := k.api.get(k.Context(), "runs/"+segment(r.ID), &report); err != nil {
				k.Fatal(err)
			}
			return report.Run
		}
	}
	return nil
}

// asks waits until gate go of a version waits for people, and returns the merge request.
func (k *talk) asks(version string) int64 {
	k.Helper()
	k.waits(version, "go")
	iid, _ := k.bump(version, "integration", bot.Synced)
	return iid
}

// Every verb in every form, by people who may and who may not, where it makes sense and
// where it does not, and once more; on a Community and an Enterprise Edition.
func TestComments(t *testing.T) {
	t.Parallel()
	for _, edition := range []string{"CE", "EE"} {
		for name, form := range map[string]string{"bare": "/", "lockstep": "/lockstep ", "mention": "@" + botName + " "} {
			t.Run(edition+"/"+name, func(t *testing.T) {
				t.Parallel()
				k := newTalk(t, edition, form)
				k.tag("2026.11.1")
				first := k.asks("2026.11.1")
				k.talkOfWords(first)
				k.talkOfGates(first)
				k.talkOfEnded(first)
				k.talkOfPromotion(first, edition == "EE" && name == "bare")
				k.talkOfReleases()
				k.talkOfFreezes(first)
				k.talkOfDenial()
				k.talkAtAll()
			})
		}
	}
}

// talkOfWords asks for nothing but words.
func (k *talk) talkOfWords(first int64) {
	k.Helper()
	for _, verb := range []string{"help", "why", "queue"} {
		k.refuses("gus", first, verb, "Reporter")
	}
	k.says("rita", first, "help", "/lockstep promote", "/lockstep rollback")
	k.says("rita", first, "why", "gate go")
	k.says("rita", first, "why kv int", "2026.11.1")
	k.says("rita", first, "queue", "integration")
	k.says("rita", first, "queue nowhere", "nowhere")
}

// talkOfGates holds, resumes and confirms a run that waits at a gate.
func (k *talk) talkOfGates(first int64) {
	k.Helper()
	for _, command := range []string{"hold", "resume", "confirm go", "deny go", "cancel", "rollback", "retry", "promote"} {
		if k.form == "/" && command == "promote" {
			continue // an Enterprise Edition leaves nothing of it
		}
		k.refuses("rita", first, command, "Developer")
	}
	k.says("dora", first, "resume", "there is nothing to resume")
	k.says("dora", first, "hold until noon", "held")
	k.says("dora", first, "hold", "held already")
	k.says("dora", first, "resume", "resume")
	k.says("dora", first, "confirm audit", "has no gate")
	k.says("dora", first, "confirm go", "gate go of int is confirmed by dora")
	_, run := k.bump("2026.11.1", "integration", bot.Done)
	if got := run.Result(); got != "success" {
		k.Errorf("the run ended as %q", got)
	}
}

// talkOfEnded says to a run that has ended what makes no sense there.
func (k *talk) talkOfEnded(first int64) {
	k.Helper()
	k.says("dora", first, "confirm go", "nothing is new")
	k.says("dora", first, "deny go", "was confirmed by dora before")
	for _, verb := range []string{"cancel", "hold", "resume", "retry"} {
		k.says("dora", first, verb, "has ended")
	}
}

// talkOfPromotion takes the version on to the release track.
func (k *talk) talkOfPromotion(first int64, swallowed bool) {
	k.Helper()
	k.script(released, fixtures.Rule{Job: "deploy-abn-kv", Value: "2026.11.1", Status: "running"})
	if swallowed {
		if note := k.comment("dora", first, "promote"); note != 0 {
			k.Errorf("note %d: an Enterprise Edition leaves nothing of it", note)
		}
		if run := k.newest("2026.11.1", "release"); run != nil {
			k.Errorf("run %s was made of a comment that nobody sees", run.ID)
		}
		k.form = "/lockstep "
		defer func() { k.form = "/" }()
		k.refuses("rita", first, "promote", "Developer")
	}
	k.says("dora", first, "promote release 2026.11.9", "it was never there")
	k.says("dora", first, "promote release nine", "nine")
	k.says("dora", first, "promote sideways", "sideways")
	k.says("dora", first, "promote", "is queued")
	k.says("dora", first, "promote release 2026.11.1", "joins run")
}

// talkOfReleases cancels a release, asks for it once more, and puts it back.
func (k *talk) talkOfReleases() {
	k.Helper()
	release, run := k.bump("2026.11.1", "release", bot.Merged)
	k.refuses("rita", release, "cancel", "Developer")
	k.says("dora", release, "cancel not today", "cancel")
	k.await("the run to be cancelled", func() bool { return k.newest("2026.11.1", "release").State == bot.Cancelled })
	k.says("dora", release, "cancel", "has ended")
	k.says("dora", release, "rollback", "nothing to do")
	k.script(released)
	k.refuses("rita", release, "retry", "Developer")
	k.says("dora", release, "retry", "is queued")
	again, second := k.bump("2026.11.1", "release", bot.Done)
	if second.ID == run.ID {
		k.Fatal("nothing was tried again")
	}
	k.stands("2026.11.1", "abn", "lup", "prd")
	k.refuses("rita", again, "rollback", "Developer")
	k.says("dora", again, "rollback wrong prices", "is queued")
	k.await("the release to be put back", func() bool { return k.newest("2026.11.1", "release").State == bot.RolledBack })
	k.stands(firstVersion, "abn", "lup", "prd")
	k.says("dora", again, "rollback", "nothing to do")
}

// talkOfFreezes freezes the lane and thaws it.
func (k *talk) talkOfFreezes(first int64) {
	k.Helper()
	for _, command := range []string{"freeze integration month end", "thaw integration"} {
		k.refuses("dora", first, command, "Maintainer")
	}
	k.says("operator", first, "thaw integration", "is not frozen")
	k.says("operator", first, "freeze integration month end", "frozen by operator: month end")
	k.says("operator", first, "freeze integration again", "already")
	k.says("operator", first, "thaw", "is thawed")
}

// talkOfDenial lets somebody deny a gate, which puts the version back.
func (k *talk) talkOfDenial() {
	k.Helper()
	k.tag("2026.11.2")
	second := k.asks("2026.11.2")
	k.says("dora", second, "deny go the prices are wrong", "gate go of int is denied by dora")
	k.bump("2026.11.2", "integration", bot.RolledBack)
	k.stands("2026.11.1", "int")
	k.says("dora", second, "deny go", "nothing is new")
	k.says("dora", second, "retry", "say why")
}

// talkAtAll holds all that was written against the rules: whoever was answered was
// answered once and seen at once, and no line of the bot is one that GitLab obeys.
func (k *talk) talkAtAll() {
	k.Helper()
	k.quiet()
	for _, mr := range k.GitLab.MergeRequests(envProject) {
		notes := k.GitLab.Notes(envProject, mr.IID)
		for _, n := range notes {
			if n.Author != botName {
				if replies := k.replies(int64(mr.IID), n.ID); len(replies) != 1 || !slices.Equal(n.Emoji, []string{"eyes by " + botName}) {
					k.Errorf("note %d %q has %d answers and the emoji %v, want one each", n.ID, n.Body, len(replies), n.Emoji)
				}
				continue
			}
			for line := range strings.Lines(n.Body) {
				if strings.HasPrefix(line, "/") {
					k.Errorf("note %d of the bot has the line %q", n.ID, line)
				}
			}
		}
	}
}
