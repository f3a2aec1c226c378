package bot

import (
	"reflect"
	"testing"
	"time"
)

// What the example says, as the plan of a run.

const (
	exampleRole = "arn:aws:iam::123456789012:role/lockstep"
	exampleSSM  = "https://ssm.eu-central-1.amazonaws.com"
)

var (
	examplePreview = Bucket{Purpose: "preview", Name: "mda-preview", Prefix: "mda/2026.11.1/", Region: "eu-central-1"}
	exampleLive    = Bucket{
		Purpose: "live", Name: "mda-live", Prefix: "mda/2026.11.1/", Region: "eu-central-1",
		RoleARN: exampleRole, ExternalID: "lockstep", Endpoint: "https://s3.eu-central-1.amazonaws.com",
	}
	exampleData = DataSet{Bucket: examplePreview, Manifest: "manifest.json"}
)

// planned returns the plan of a version on a track.
func planned(t *testing.T, c *Config, track, pkg string) TrackPlan {
	t.Helper()
	plan, err := c.Track(track, pkg, "2026.11.1")
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// same compares a part of a plan.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
	}
}

func TestConfigPlanOfData(t *testing.T) {
	t.Parallel()
	c := loadExample(t)
	release := planned(t, c, "release", "mda")
	same(t, "data", release.Data, &exampleData)
	for i, want := range []*Bucket{&exampleLive, &exampleLive, &exampleLive} {
		same(t, release.Stages[i].Plan.Environment, release.Stages[i].Plan.Bucket, want)
	}
	integration := planned(t, c, "integration", "offers")
	listed := DataSet{
		Bucket:  Bucket{Purpose: "preview", Name: "mda-preview", Prefix: "offers/2026.11.1/", Region: "eu-central-1"},
		Listing: &ListingRule{Keys: []string{"_SUCCESS"}, Objects: 100},
	}
	same(t, "listed data", integration.Data, &listed)
	same(t, "int", integration.Stages[0].Plan.Bucket, &listed.Bucket)
	if plan := planned(t, parsed(t, smallConfig), "integration", "mda"); plan.Data != nil || plan.Stages[0].Plan.Bucket != nil {
		t.Errorf("nobody looks after the data: got %+v in %+v", plan.Data, plan.Stages[0].Plan.Bucket)
	}
}

func TestConfigPlanOfEnvironments(t *testing.T) {
	t.Parallel()
	release := planned(t, loadExample(t), "release", "mda")
	abn, prd, edge := release.Stages[0], release.Stages[1], release.Stages[2]

	same(t, "merged by the bot", abn.Plan.ByPerson, false)
	same(t, "merged by a person", prd.Plan.ByPerson, true)
	same(t, "repository", prd.Plan.Repo, "env/mda-prd")
	same(t, "watched by its pipeline", abn.Plan.Watch, WatchPlan{Job: "deploy-{environment}-{service}"})
	same(t, "asked itself", prd.Plan.Watch, WatchPlan{HTTP: &HTTPWatch{
		URL: "https://{service}.prd.example.com/info", Field: "data.version", Token: "env:PRD_INFO_TOKEN",
	}})

	same(t, "no repository", edge.Plan.Repo, "")
	same(t, "no parameter", abn.Plan.Deploy, (*Parameter)(nil))
	same(t, "parameter", edge.Plan.Deploy, &Parameter{
		Name: "/mda/edge/deployed-version", Region: "eu-central-1", RoleARN: exampleRole, ExternalID: "lockstep", Endpoint: exampleSSM,
	})
	same(t, "services of a parameter", edge.Plan.Services, []Service{{Name: "edge"}})
	same(t, "their place", edge.Plan.Place(edge.Plan.Services[0]), edge.Plan.Deployed())
}

func TestConfigPlanOfRollbacks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, old, new   string
		pushed, attended bool
		scope            Scope
	}{
		{name: "default", old: "tracks:", new: "tracks:"},
		{name: "push", old: "    services:\n", new: "    rollback: {via: push}\n    services:\n", pushed: true},
		{name: "attended", old: "    services:\n", new: "    rollback: {attended: true}\n    services:\n", attended: true},
		{name: "run", old: "    stages:\n", new: "    rollback: {scope: run}\n    stages:\n"},
		{name: "stage", old: "    stages:\n", new: "    rollback: {scope: stage}\n    stages:\n", scope: ScopeStage},
	}
	for _, tt := range tests {
		plan := planned(t, parsed(t, replaced(tt.old, tt.new)), "integration", "mda")
		p := plan.Stages[0].Plan
		same(t, tt.name, []any{p.Pushed, p.Attended, plan.Scope}, []any{tt.pushed, tt.attended, tt.scope})
	}
}

func TestConfigPlanOfGates(t *testing.T) {
	t.Parallel()
	release := planned(t, loadExample(t), "release", "mda")
	contents := GatePlan{
		Name: "contents", Before: true, TimeLimit: time.Hour,
		Data: &DataGate{Set: exampleData, Pass: "objects >= 100 && bytes < 20000000000"},
	}
	health := GatePlan{
		Name: "health", Group: "checks", TimeLimit: time.Hour,
		HTTP: &HTTPGate{
			URL: "https://shop.abn.example.com/health?data={version}", Headers: map[string]string{"Accept": "application/json"}, Token: "env:HEALTH_TOKEN",
			Pass: `status == 200 && body.state == "ready"`, Fail: `status == 200 && body.state == "broken"`,
		},
	}
	failing := GatePlan{
		Name: "errors", Group: "checks", TimeLimit: 70 * time.Minute,
		Prometheus: &PrometheusGate{
			URL: "https://prometheus.example.com", Token: "env:PROMETHEUS_TOKEN", Query: `sum(rate(http_errors_total{environment="abn"}[5m]))`,
			Pass: "value < 0.5", Fail: "value > 5.0", For: 10 * time.Minute, NoData: "wait",
		},
	}
	soak := GatePlan{
		Name: "soak", TimeLimit: 90 * time.Minute,
		Soak: &SoakGate{For: 30 * time.Minute, Watch: []GatePlan{health, failing}},
	}
	same(t, "abn", release.Stages[0].Plan.Gates, []GatePlan{contents, health, failing, soak})
	same(t, "prd", release.Stages[1].Plan.Gates, []GatePlan{
		{
			Name: "go-live", Before: true, TimeLimit: 72 * time.Hour,
			Approval: &ApprovalGate{By: []string{"ana", "ben", "eva"}, Count: 2, NotAuthor: true},
		},
		{
			Name: "acceptance", TimeLimit: 4 * time.Hour,
			Callback: &CallbackGate{URL: "https://acceptance.example.com/lockstep", Token: "env:ACCEPTANCE_TOKEN"},
		},
	})
	same(t, "edge", release.Stages[2].Plan.Gates, []GatePlan(nil))
}

func TestConfigPlanOfGateDefaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind string
		want GatePlan
	}{
		{"pipeline: {project: qa/x}", GatePlan{Pipeline: &PipelineGate{Project: "qa/x", Ref: "main"}}},
		{"http: {url: http://shop.int.svc:8080/health}", GatePlan{HTTP: &HTTPGate{URL: "http://shop.int.svc:8080/health", Pass: "status >= 200 && status < 300"}}},
		{"prometheus: {url: http://prometheus:9090, query: up, pass: value > 0.0}", GatePlan{Prometheus: &PrometheusGate{URL: "http://prometheus:9090", Query: "up", Pass: "value > 0.0", NoData: "fail"}}},
		{"approval:\n              {}", GatePlan{Approval: &ApprovalGate{Count: 1}}},
		{"soak: {for: 48h}", GatePlan{TimeLimit: 49 * time.Hour, Soak: &SoakGate{For: 48 * time.Hour}}},
		{"retries: 3\n            interval: 20s\n            allow_failure: true\n            time_limit: 2h\n            approval: {}", GatePlan{Retries: 3, Interval: 20 * time.Second, AllowFailure: true, TimeLimit: 2 * time.Hour, Approval: &ApprovalGate{Count: 1}}},
	}
	for _, tt := range tests {
		tt.want.Name = "int-test"
		if tt.want.TimeLimit == 0 {
			tt.want.TimeLimit = time.Hour
		}
		plan := planned(t, parsed(t, replaced("pipeline: {project: qa/int-test}", tt.kind)), "integration", "mda")
		same(t, tt.kind, plan.Stages[0].Plan.Gates, []GatePlan{tt.want})
	}
}

func TestConfigRequestFrom(t *testing.T) {
	t.Parallel()
	r, err := loadExample(t).Request("mda", "release", "2026.11.1")
	if r.Windows == nil || len(r.Windows.Allow) != 1 || len(r.Windows.Deny) != 1 {
		t.Errorf("windows: got %v", r.Windows)
	}
	r.Windows = nil
	if want := (Request{Package: "mda", Track: "release", Version: "2026.11.1", Lane: "release", From: "integration"}); err != nil || r != want {
		t.Errorf("got %+v, %v, want %+v", r, err, want)
	}
}
