package engine

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"lockstep/bot"
)

// A run is read back as it was recorded, packed or as an older program did, and a large
// one takes little room.
func TestPacked(t *testing.T) {
	t.Parallel()
	run := &bot.Run{ID: "0193", State: bot.Synced, Reason: "<waits> für ana"}
	var services []bot.Service
	for i := range 500 {
		services = append(services, bot.Service{Name: fmt.Sprint("service-", i), File: fmt.Sprintf("abn/service-%d/values.yaml", i), Key: "data.version"})
	}
	run.Stages = []bot.Stage{{Plan: bot.StagePlan{Environment: "abn", Services: services}}}
	plain, err := json.Marshal(map[string]any{"run": run, "outcome": bot.Outcome{}})
	if err != nil {
		t.Fatal(err)
	}
	small, err := json.Marshal(look{Run: packed{run}})
	if err != nil {
		t.Fatal(err)
	}
	if len(small) > len(plain)/5 {
		t.Errorf("%d bytes are recorded as %d", len(plain), len(small))
	}
	for name, record := range map[string][]byte{"packed": small, "plain": plain} {
		var got look
		if err := json.Unmarshal(record, &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got.Run.Run, run) {
			t.Errorf("%s: the run is read as %+v", name, got.Run.Run)
		}
	}
}

func TestPackedNothing(t *testing.T) {
	t.Parallel()
	record, err := json.Marshal(look{Error: "read run: no answer"})
	if err != nil {
		t.Fatal(err)
	}
	got := look{Run: packed{&bot.Run{}}}
	if err := json.Unmarshal(record, &got); err != nil || got.Run.Run != nil || got.Error == "" {
		t.Errorf("%s is read as %+v, error %v", record, got, err)
	}
	for _, bad := range []string{`{"run":"no base64"}`, `{"run":"bm90IGd6aXA="}`, `{"run":7}`} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%s is read without an error", bad)
		}
	}
}
