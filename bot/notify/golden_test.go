package notify

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/bot"
)

var update = flag.Bool("update", false, "write the golden files anew")

const runURL = "https://lockstep.example.com/runs/" + exampleID

// golden compares got with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\ngot  %s\nwant %s", path, got, want)
	}
}

func TestNote(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		run    *bot.Run
		events int
	}{
		"synced":          {example(), 4},
		"success":         {succeeded(), 12},
		"warned":          {warned(), 5},
		"rolled-back":     {rolledBack(), 9},
		"rollback-failed": {rollbackFailed(), 9},
		"stalled":         {stalled(), 6},
		"hostile":         {hostile(), 3},
		"held":            {held(), 4},
		"yielded":         {yielded(), 4},
		"undone":          {undoneSince(), 13},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			place := ""
			if test.run.Yielded != nil {
				place = "next in lane integration, behind run 0193f2a0-0000-7000-8000-000000000009"
			}
			got := note(test.run, place, history(test.run, test.events), runURL)
			golden(t, "note-"+name+".md", got)
			for line := range strings.Lines(got) {
				if strings.HasPrefix(strings.TrimLeft(line, " \t"), "/") {
					t.Errorf("a line begins with a slash: %q", line)
				}
			}
		})
	}
}

func TestRocketChatMessages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind bot.MessageKind
		run  *bot.Run
	}{
		"start":           {bot.MessageStart, example()},
		"success":         {bot.MessageFinish, succeeded()},
		"warned":          {bot.MessageFinish, warned()},
		"rolled-back":     {bot.MessageFinish, rolledBack()},
		"rollback-failed": {bot.MessageFinish, rollbackFailed()},
		"stalled":         {bot.MessageCall, stalled()},
		"hostile":         {bot.MessageFinish, hostile()},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events := history(test.run, 6)
			m := bot.Message{Run: exampleID, Kind: test.kind, Channel: "chat", Seq: 6}
			text := newText(m, test.run, events, runURL)
			golden(t, "chat-"+name+".json", indented(t, rocketMessage{Text: chatEscape(text.Title), Thread: text.Reply, Attachments: attachments(text)}))
		})
	}
}

// indented returns v as JSON that people can read.
func indented(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextsSayWhatPeopleNeed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind bot.MessageKind
		run  *bot.Run
		want []string
	}{
		{bot.MessageStart, example(), []string{"mda 2026.11.3 → integration (int): started by a tag, pushed by ana"}},
		{bot.MessageFinish, rolledBack(), []string{
			"mda 2026.11.3 → integration: failed, rolled back — gate int-test failed: pipeline 31 failed",
			"Put back: int mds, fbv, kv (2026.11.2).", "Left alone: int remo (somebody set it to 2026.11.4-hotfix since).",
		}},
		{bot.MessageFinish, rollbackFailed(), []string{
			"failed, rollback failed — gate int-test failed", "then the rollback failed: deployment to int failed: kv",
			"Put back: int mds, fbv (2026.11.2).", "Not put back: int kv (job deploy-int-kv failed (script_failure)).",
			"Lane integration is frozen", "lockstep thaw integration",
		}},
		{bot.MessageCall, stalled(), []string{"a person is needed — merge request !12 was closed by bob", "lockstep resume " + exampleID, "lockstep cancel " + exampleID}},
	}
	for _, test := range tests {
		text := newText(bot.Message{Run: exampleID, Kind: test.kind, Channel: "chat", Seq: 6}, test.run, history(test.run, 6), runURL)
		all := strings.Join(append([]string{text.Title}, append(text.Lines, text.Commands...)...), "\n")
		for _, want := range test.want {
			if !strings.Contains(all, want) {
				t.Errorf("%s of a run that is %s: got\n%s\nwant %q in it", test.kind, test.run.Result(), all, want)
			}
		}
	}
}

func TestRunThatNeverStartedHasNoThread(t *testing.T) {
	t.Parallel()
	r := example()
	r.State, r.Stages = bot.Refused, nil
	events := []bot.Event{{Seq: 1, State: bot.Queued}, {Seq: 2, State: bot.Refused}}
	m := bot.Message{Run: r.ID, Kind: bot.MessageFinish, Channel: "chat", Seq: 2}
	if got := newText(m, r, events, "").Reply; got != "" {
		t.Errorf("replies to %q, which was never sent", got)
	}
	if got, want := newText(m, r, history(r, 3), "").Reply, r.ID+"/start/chat"; got != want {
		t.Errorf("got reply to %q, want %q", got, want)
	}
}
