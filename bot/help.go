package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A usage says how a verb is used.
type usage struct {
	verb Verb
	args string // what may follow it; "" for nothing
	does string // what it does, for people
}

// usages are all verbs in the order of Verbs. On a merge request that Lockstep has
// opened, the run and the track are those of the merge request.
var usages = []usage{
	{VerbPromote, "[TRACK] [VERSION]", "take a version through a track; on a merge request of a run its version, and the track that follows"},
	{VerbRollback, "[REASON]", "put back what the run wrote, also long after it has finished"},
	{VerbRetry, "[REASON]", "ask once more for what has failed: the run, or its rollback"},
	{VerbCancel, "[REASON]", "end the run and put back what it wrote"},
	{VerbHold, "[REASON]", "keep the run from changing anything more until it is resumed"},
	{VerbResume, "[REASON]", "let a run go on that is held or stalled"},
	{VerbConfirm, "GATE [REASON]", "say yes to a gate that asks people"},
	{VerbDeny, "GATE [REASON]", "say no to a gate that asks people"},
	{VerbFreeze, "[TRACK] REASON", "keep runs of the track's lane from beginning, and from their next stage"},
	{VerbThaw, "[TRACK]", "let them go on"},
	{VerbWhy, "[SERVICE] [ENVIRONMENT]", "tell which version a service runs and why, or what the run waits for"},
	{VerbQueue, "[TRACK]", "tell which run holds the lane and which ones wait"},
	{VerbHelp, "", "show this"},
}

// Usage returns how a verb is used: "confirm GATE [REASON]".
func (v Verb) Usage() string {
	i := slices.IndexFunc(usages, func(u usage) bool { return u.verb == v })
	if i < 0 {
		panic("bot: unknown verb " + string(v))
	}
	return strings.TrimRight(string(v)+" "+usages[i].args, " ")
}

// Help returns a table of all verbs in Markdown, each as it is written after form:
// "/lockstep " in a comment. No line of it begins with a slash.
func Help(form string) string {
	var text strings.Builder
	text.WriteString("| command | what it does |\n|---|---|\n")
	for _, u := range usages {
		fmt.Fprintf(&text, "| `%s%s` | %s |\n", form, u.verb.Usage(), u.does)
	}
	return text.String()
}

// Near returns the verb that somebody may have meant by a word that is none; "" when
// none is near.
func Near(word string) Verb {
	word = strings.ToLower(word)
	if len(word) > 2*len(VerbRollback) {
		return ""
	}
	nearest := slices.MinFunc(Verbs, func(a, b Verb) int {
		return cmp.Compare(distance(word, string(a)), distance(word, string(b)))
	})
	if distance(word, string(nearest)) > max(1, len(nearest)/3) {
		return ""
	}
	return nearest
}
