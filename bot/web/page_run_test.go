package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestPagesOfReleases(t *testing.T) {
	t.Parallel()
	tests := []struct{ path, want, not string }{
		{"/runs/copying", "Data-abn|preview → live|3,000 objects, 1.2 GB|<progress max=\"100\" value=\"30\">|30 % copied for abn|about 35s left|Deploy-lup|Checks-prd|/mda/prd/deployed", "Data-lup|class=\"call\""},
		{
			"/runs/awaiting", "Gate go-live of prd waits for people (1 of 2 approvals; may approve: bob, eve):|<code>lockstep confirm awaiting go-live</code> or <code>lockstep deny awaiting go-live</code>|" +
				"eve says yes (looks &lt;b&gt;good&lt;/b&gt;)|callback says yes|<td>before prd</td>|<td>after abn</td>|" +
				">passed</span>|>failed, allowed</span>|>no result</span>|>waits for people</span>|>not yet</span>|<span class=\"icon\">∅</span>|" +
				"<b>Warning:</b> gate load-test gave no result|<dt>Forced</dt><dd>the report of run ended was wrong|<dt>Waited</dt><dd>2m0s", "<progress",
		},
		{"/runs/handed", "A person has to merge !12 of env/mda; the run then goes on by itself. |merge_requests/12\">look</a></p>", "lockstep resume"},
		{"/runs/rolledback", ">failed</span>|>not asked</span>|abn remo|left alone: somebody set it to 2026.11.8-hotfix since|lup fbv|nothing to do|Cause:", "waits for people"},
		{"/runs/undone", "<span class=\"badge passed\">rolled back</span>|<b>Why:</b> bob undoes run ended (wrong prices)|<dt>Puts back</dt><dd><a href=\"/runs/ended\">run ended</a>", "Gates</h2>|Deploy-abn"},
		{"/", "Condemned versions|<a href=\"/runs/ended\">mda 2026.11.2</a>|<code>lockstep confirm awaiting go-live</code>|integration: 1st in lane integration, behind run stalled", "and 1 more"},
		{"/api/v1/runs/awaiting", `"gates":[{"environment":"abn","name":"e2e-test-abn","mark":"passed","outcome":"passed"|"opinions":[{"gate":"go-live","by":"eve","yes":true|"commands":["lockstep confirm awaiting go-live","lockstep deny awaiting go-live"]`, ""},
	}
	for _, test := range tests {
		w := ask(t, serverOf(releases()), http.MethodGet, test.path, "")
		if w.Code != http.StatusOK {
			t.Errorf("%s: got %d %s", test.path, w.Code, w.Body)
		}
		for want := range strings.SplitSeq(test.want, "|") {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: want %s in\n%s", test.path, want, w.Body)
			}
		}
		for not := range strings.SplitSeq(test.not+"|<script| style=", "|") {
			if not != "" && strings.Contains(w.Body.String(), not) {
				t.Errorf("%s: want no %s in\n%s", test.path, not, w.Body)
			}
		}
	}
}

// Where two stages have a gate of the same name, the command says which is meant.
func TestCommandNamesTheEnvironment(t *testing.T) {
	t.Parallel()
	store := releases()
	store.runs[0].Stages[0].Plan.Gates[0].Name = "go-live"
	w := ask(t, serverOf(store), http.MethodGet, "/runs/awaiting", "")
	if want := "<code>lockstep confirm awaiting go-live --environment prd</code>"; !strings.Contains(w.Body.String(), want) {
		t.Errorf("want %s in\n%s", want, w.Body)
	}
}

// A long queue is cut short.
func TestLongQueue(t *testing.T) {
	t.Parallel()
	store := filled()
	for range mostWaiting {
		r := store.runs[0]
		r.ID += "x"
		store.runs = append(store.runs, r)
		store.lanes[0].Waiting = append(store.lanes[0].Waiting, r.ID)
	}
	if body := ask(t, serverOf(store), http.MethodGet, "/", "").Body.String(); !strings.Contains(body, "and 1 more") {
		t.Errorf("the queue is not cut short:\n%s", body)
	}
}
