package gitlab

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lockstep/fixtures"
	"lockstep/gitops"
)

const key = "LOCKSTEP_GATE"

// variables are those of a gate's pipeline.
func variables(value string) map[string]string {
	return map[string]string{key: value, "DATA_VERSION": "2026.11.3"}
}

func TestTrigger(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	begin := time.Now()
	if _, err := c.Triggered(t.Context(), gate, "main", key, "r1/int-test", begin); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("before: got %v", err)
	}
	p, err := c.Trigger(t.Context(), gate, "main", key, variables("r1/int-test"))
	if err != nil || p.ID == 0 || p.Source != gitops.SourceAPI || p.Project != gate || p.Ref != "main" || p.Link == "" || p.Created.IsZero() {
		t.Fatalf("got %+v, %v", p, err)
	}
	other, err := c.Trigger(t.Context(), gate, "main", key, variables("r2/int-test"))
	if err != nil || other.ID == p.ID {
		t.Errorf("other: got %d, %v", other.ID, err)
	}
	again, err := c.Trigger(t.Context(), gate, "main", key, variables("r1/int-test"))
	if err != nil || again.ID != p.ID {
		t.Errorf("again: got %d, %v; want %d", again.ID, err, p.ID)
	}
	records := g.Pipelines(gate)
	if len(records) != 2 || records[0].Variables["DATA_VERSION"] != "2026.11.3" || records[0].Variables[key] != "r1/int-test" {
		t.Errorf("got %+v", records)
	}
	if _, err := c.Triggered(t.Context(), gate, "main", key, "r1/int-test", begin.Add(time.Hour)); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("an hour later: got %v", err)
	}
}

func TestTriggerLost(t *testing.T) {
	t.Parallel()
	for _, test := range twice {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g, c := world(t, fixtures.Options{})
			breakOnce(g, "trigger pipeline", test.fault, test.after)
			_, err := c.Trigger(t.Context(), gate, "main", key, variables("r1/int-test"))
			lost(t, g, "trigger pipeline", err)
			if _, err := c.Trigger(t.Context(), gate, "main", key, variables("r1/int-test")); err != nil {
				t.Errorf("again: got %v", err)
			}
			if n := len(g.Pipelines(gate)); n != 1 {
				t.Errorf("got %d pipelines, want 1", n)
			}
		})
	}
}

func TestTriggerRefused(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	_, err := c.Trigger(t.Context(), gate, "nowhere", key, variables("r1/int-test"))
	if !errors.Is(err, gitops.ErrRefused) || !strings.Contains(err.Error(), "Reference not found") {
		t.Errorf("no such ref: got %v", err)
	}
	if err := g.RefuseVariables(gate, true); err != nil {
		t.Fatal(err)
	}
	_, err = c.Trigger(t.Context(), gate, "main", key, variables("r1/int-test"))
	if want := `trigger pipeline of "main" in "test/int": the project lets the bot set no variables: lower the minimum role for them in its Settings → CI/CD → Variables, or use inputs: refused`; !errors.Is(err, gitops.ErrRefused) || err.Error() != want {
		t.Errorf("variables refused: got %v, want %s", err, want)
	}
	if n := len(g.Pipelines(gate)); n != 0 {
		t.Errorf("got %d pipelines, want none", n)
	}
	g.Deny("trigger pipeline")
	if _, err := c.Trigger(t.Context(), gate, "main", key, variables("r1/int-test")); !errors.Is(err, gitops.ErrRefused) {
		t.Errorf("denied: got %v", err)
	}
	if _, err := c.Trigger(t.Context(), "test/nothing", "main", key, variables("r1/int-test")); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("no such project: got %v", err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	g.Script(fixtures.Rule{Status: "running"})
	p, err := c.Trigger(t.Context(), gate, "main", key, variables("r1/int-test"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Cancel(t.Context(), gate, p.ID); err != nil {
			t.Error(err)
		}
	}
	if n := calls(g, "cancel pipeline"); n != 1 {
		t.Errorf("cancelled %d times, want 1", n)
	}
	if err := c.Cancel(t.Context(), gate, 999999); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("one that is not there: got %v", err)
	}
}

// TestPipelinesAndJobs follows a commit on the default branch to its deploy job.
func TestPipelinesAndJobs(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	g.Script(fixtures.Rule{Job: "deploy-int-mds", Status: "failed", Reason: "runner_system_failure"})
	sha := change(t, g, "main", "2026.11.3")
	var found []gitops.Pipeline
	eventually(t, func() bool {
		var err error
		found, err = c.Pipelines(t.Context(), env, gitops.PipelineQuery{Ref: "main", SHA: sha, Source: gitops.SourcePush})
		if err != nil {
			t.Fatal(err)
		}
		return len(found) == 1 && found[0].Status.Settled()
	})
	if p := found[0]; p.SHA != sha || p.Ref != "main" || p.Status != gitops.StatusFailed {
		t.Errorf("got %+v", p)
	}
	jobs, err := c.Jobs(t.Context(), env, found[0].ID)
	if err != nil || len(jobs) != 1 {
		t.Fatalf("got %+v, %v", jobs, err)
	}
	if j := jobs[0]; j.Name != "deploy-int-mds" || j.Status != gitops.StatusFailed || j.FailureReason != "runner_system_failure" || j.Pipeline != found[0].ID {
		t.Errorf("got %+v", j)
	}
	later, err := c.Pipelines(t.Context(), env, gitops.PipelineQuery{Since: time.Now().Add(time.Hour)})
	if err != nil || len(later) != 0 {
		t.Errorf("in an hour: got %+v, %v", later, err)
	}
}
