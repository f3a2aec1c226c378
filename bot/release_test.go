package bot

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// newRelease returns a world of two stages, int and abn, in which abn is as the words of
// with say.
func newRelease(t *testing.T, with, repo, script string) *world {
	w := newWorldOfTwo(t, repo, script)
	abn := &w.stages[1].Plan
	for word := range strings.FieldsSeq(with) {
		switch word {
		case "data": // published in preview, which int reads; abn reads live
			preview := Bucket{Purpose: "preview", Name: "mda-preview", Prefix: "mda/1.1.0/"}
			w.data = &DataSet{Bucket: preview, Manifest: "manifest.json"}
			w.stages[0].Plan.Bucket = &preview
			abn.Bucket = &Bucket{Purpose: "live", Name: "mda-live", Prefix: "mda/1.1.0/"}
		case "before":
			abn.Gates = append([]GatePlan{{Name: "go", Before: true, TimeLimit: time.Hour, Pipeline: &PipelineGate{}}}, abn.Gates...)
		case "allowed", "retries":
			abn.Gates = slices.Clone(abn.Gates)
			abn.Gates[0].AllowFailure = true
			if word == "retries" {
				abn.Gates[0].Retries = 2
			}
		case "group": // two gates side by side
			first, second := abn.Gates[0], abn.Gates[0]
			first.Group, second.Group, second.Name = "tests", "tests", "load-test"
			abn.Gates = []GatePlan{first, second}
		case "bare": // abn is deployed by a parameter alone
			abn.Repo, abn.Branch = "", ""
			abn.Services, w.stages[1].Globs = []Service{{Name: "kv"}, {Name: "mds"}}, nil
			fallthrough
		case "deploy": // abn has a parameter that is deployed
			abn.Deploy = &Parameter{Name: "/mda/abn/deployed"}
			w.params["/mda/abn/deployed"] = string(oldVersion)
		case "scope":
			w.scope = ScopeStage
		case "pushed":
			w.stages[0].Plan.Pushed, abn.Pushed = true, true
		case "person":
			w.stages[0].Plan.ByPerson = true
		case "attended":
			w.stages[0].Plan.Attended, abn.Attended = true, true
		default:
			t.Fatalf("a release cannot be with %q", word)
		}
	}
	return w
}

// Parts of traces.
const (
	first  = forward + " gated"                          // the way through int
	second = stage + " gated"                            // the way through abn
	undone = "failed recalled proposed merged synced"    // one repository goes back
	both   = undone + " recalled proposed merged synced" // two do
	done   = "recorded done"
)

// releaseTraces are the specification of data, gates before a stage, parameters and the
// ways of a rollback. Stands says what kv and mds name in int and abn, and what the
// parameter of abn holds, where it has one.
var releaseTraces = []struct{ with, repo, script, want, stands string }{
	// the data is checked before the run starts, and copied before it is used
	{"data", "env/mda", "", first + " supplied " + second + " " + done, "new new new new"},
	{"data", "env/mda", "known free checking-on checking-on complete", first + " supplied " + second + " " + done, "new new new new"},
	{"data", "env/mda", "torn", "queued refused", "old old old old"},
	{"data", "env/mda", "queued:nobody -*", "queued stalled", "old old old old"},
	{"data", "env/mda", "complete good copying - copying copied", first + " supplied " + second + " " + done, "new new new new"},
	{"data", "env/mda", "good taken", first + " " + undone + " rolled-back", "old old old old"},
	{"data", "env/mda", "good gated:nobody -*", first + " stalled", "new new old old"},
	{"data", "env/mda", "good gated:nobody -* stalled:resume", first + " stalled gated supplied " + second + " " + done, "new new new new"},
	{"data", "env/mda", "gated:cancel", first + " failed recalled proposed merged synced cancelled", "old old old old"},
	{"data", "env/mda", "supplied:nobody -*", first + " supplied stalled", "new new old old"},
	{"data", "env/mda", "supplied:cancel", first + " supplied failed recalled proposed merged synced cancelled", "old old old old"},

	// gates before a stage
	{"before", "env/mda", "", first + " cleared " + second + " " + done, "new new new new"},
	{"data before", "env/mda", "", first + " supplied cleared " + second + " " + done, "new new new new"},
	{"before", "env/mda", "good bad", first + " " + undone + " rolled-back", "old old old old"},
	{"before", "env/mda", "good open open*", first + " " + undone + " rolled-back", "old old old old"},
	{"before", "env/mda", "good nothing", first + " " + undone + " rolled-back", "old old old old"},
	{"before", "env/mda", "cleared:nobody -*", first + " cleared stalled", "new new old old"},
	{"before", "env/mda", "proposed:nobody gated:nobody proposed:edit-abn-kv", first + " cleared prepared proposed started cleared " + second + " " + done, "new new new new"},

	// gates side by side: one that cannot tell does not hold up the other
	{"group", "env/mda", "good starts starts open open good good", first + " " + second + " " + done, "new new new new"},
	{"group", "env/mda", "good starts starts - good good", first + " " + second + " " + done, "new new new new"},
	{"group", "env/mda", "good starts starts open bad", first + " " + stage + " " + undone + " rolled-back", "old old old old"},

	// a gate that may fail never holds the run up for good, and never turns it back
	{"allowed", "env/mda", "good bad", first + " " + second + " " + done, "new new new new"},
	{"allowed", "env/mda", "good nothing", first + " " + second + " " + done, "new new new new"},
	{"allowed", "env/mda", "good open open*", first + " " + second + " " + done, "new new new new"},
	{"allowed", "env/mda", "good starts -*", first + " " + second + " " + done, "new new new new"},
	{"retries", "env/mda", "good starts - - -", first + " " + second + " " + done, "new new new new"},
	{"", "env/mda", "good starts -*", first + " " + stage + " stalled", "new new new new"},
	{"", "env/mda", "good nothing", first + " " + stage + " " + undone + " rolled-back", "old old old old"},

	// a parameter that is deployed goes with its environment, forward and back
	{"deploy", "env/mda", "", first + " " + second + " " + done, "new new new new new"},
	{"deploy", "env/mda", "good lost-write", first + " " + second + " " + done, "new new new new new"},
	{"deploy", "env/mda", "good raced", first + " " + second + " " + done, "new new new new new"},
	{"deploy", "env/mda", "good bad", first + " " + stage + " " + undone + " rolled-back", "old old old old old"},
	{"deploy", "env/abn", "good bad", first + " " + stage + " " + both + " rolled-back", "old old old old old"},
	{"deploy", "env/mda", "good bad merged:nobody lost-write", first + " " + stage + " " + undone + " rolled-back", "old old old old old"},
	{"deploy", "env/mda", "good bad failed:set-abn", first + " " + stage + " " + undone + " rolled-back", "old old old old hand"},
	{"deploy", "env/mda", "good bad recalled:set-abn", first + " " + stage + " " + undone + " rolled-back", "old old old old hand"},
	{"deploy", "env/mda", "good proposed:nobody proposed:set-abn", first + " prepared proposed merged stalled", "new new new new hand"},
	{"bare", "env/mda", "", first + " merged synced gated " + done, "new new old old new"},
	{"bare", "env/mda", "good bad", first + " merged synced failed recalled merged synced recalled proposed merged synced rolled-back", "old old old old old"},
	{"bare", "env/mda", "good broken", first + " merged failed recalled merged synced recalled proposed merged synced rolled-back", "old old old old old"},
	{"bare", "env/mda", "queued:drop-deployed", "queued refused", "old old old old"},

	// a verdict of a later stage leaves the earlier ones alone, where that is wanted; a cancel does not
	{"scope", "env/mda", "good bad", first + " " + stage + " " + undone + " rolled-back", "new new old old"},
	{"scope", "env/abn", "good bad", first + " " + stage + " " + undone + " rolled-back", "new new old old"},
	{"scope", "env/mda", "bad", forward + " " + undone + " rolled-back", "old old old old"},
	{"scope before", "env/mda", "good bad", first + " failed rolled-back", "new new old old"},
	{"scope data", "env/mda", "good taken", first + " failed rolled-back", "new new old old"},
	{"scope", "env/mda", "merged:nobody prepared:nobody merged:cancel", first + " prepared proposed merged " + undone + " cancelled", "old old old old"},

	// a rollback that is pushed
	{"pushed", "env/mda", "good bad", first + " " + stage + " failed recalled merged synced rolled-back", "old old old old"},
	{"pushed", "env/mda", "good bad lost-push", first + " " + stage + " failed recalled merged synced rolled-back", "old old old old"},
	{"pushed", "env/mda", "good bad race", first + " " + stage + " failed recalled merged synced rolled-back", "old old old old"},
	{"pushed", "env/mda", "good bad recalled:edit-beside", first + " " + stage + " failed recalled failed recalled merged synced rolled-back", "old old old old"},
	{"pushed", "env/mda", "good bad recalled:edit-kv", first + " " + stage + " failed recalled failed recalled merged synced rolled-back", "hand old old old"},
	{"pushed", "env/mda", "good bad recalled:nobody refuses", first + " " + stage + " failed recalled stalled", "new new new new"},

	// a rollback that could not be carried out without people
	{"", "env/mda", "approvals", "queued refused", "old old old old"},
	{"attended", "env/mda", "bad recalled:nobody not_approved", forward + " failed recalled proposed stalled", "new new old old"},
	{"attended", "env/mda", "bad recalled:nobody not_approved stalled:resume", forward + " failed recalled proposed stalled proposed merged synced rolled-back", "old old old old"},

	// a person merges what goes forward, whenever they like; the way back is the bot's
	{"person", "env/mda", "proposed:later proposed:later proposed:later not_approved proposed:merge", first + " " + second + " " + done, "new new new new"},
	{"person", "env/mda", "proposed:later proposed:merge bad", forward + " " + undone + " rolled-back", "old old old old"},
	{"person", "env/mda", "proposed:edit-beside conflict proposed:merge", "queued started prepared proposed started prepared proposed merged synced gated " + second + " " + done, "new new new new"},
}

func TestTracesOfReleases(t *testing.T) {
	t.Parallel()
	for _, test := range releaseTraces {
		t.Run(strings.ReplaceAll(test.with, " ", "+")+" "+test.repo+" "+test.script, func(t *testing.T) {
			t.Parallel()
			w, r := newRelease(t, test.with, test.repo, test.script), newRun()
			if got := w.play(r); got != test.want {
				t.Errorf("\ngot  %s\nwant %s\nlast: %s", got, test.want, r.Reason)
			}
			got := w.stands(test.repo)
			if value, ok := w.params["/mda/abn/deployed"]; ok {
				got += " " + word(value)
			}
			if got != test.stands {
				t.Errorf("the values end as %s, want %s", got, test.stands)
			}
		})
	}
}
