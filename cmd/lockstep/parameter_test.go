package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"lockstep/bot"
	"lockstep/fixtures"
)

// deployedParameter is the parameter that is deployed.
const deployedParameter = "/mda/int/deployed"

// A workload is services that say which version they run: the one that the parameter
// holds, a few questions after it has changed.
type workload struct {
	*httptest.Server
	s *scene

	mu   sync.Mutex
	runs map[string]string // by path
	lags map[string]int    // how many questions a service is still behind
}

// newWorkload starts the services of int, which are deployed by a parameter: alone, or
// beside the repository.
func (s *scene) newWorkload(beside bool) *workload {
	s.Helper()
	l := &workload{s: s, runs: map[string]string{}, lags: map[string]int{}}
	l.Server = httptest.NewServer(l)
	s.Cleanup(l.Close)
	s.AWS.Put(fixtures.DefaultAccount, deployedParameter, firstVersion)
	services := []string{"      - {glob: 'environments/int/*/values.yaml', key: data.version}\n", "      - {name: search}\n      - {name: web}\n"}
	if beside {
		services[1] = services[0]
	}
	sync := fmt.Sprintf("    sync: {http: {url: '%s/{environment}/{service}', field: data.version}, time_limit: 10s}\n    deploy: {parameter: %s, region: eu-central-1, endpoint: '%s'}\n", l.URL, deployedParameter, s.AWS.URL())
	services[1] += sync
	if !beside {
		services = append(services, "  int:\n    repository: env/mda\n", "  int:\n")
	}
	s.rewrite(services...)
	return l
}

// ServeHTTP answers with the version that a service runs.
func (l *workload) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	value, _, _ := l.s.AWS.Parameter(fixtures.DefaultAccount, deployedParameter)
	switch now := l.runs[r.URL.Path]; {
	case now == "":
		l.runs[r.URL.Path] = value
	case now != value && l.lags[r.URL.Path] < 2:
		l.lags[r.URL.Path]++
	case now != value:
		l.runs[r.URL.Path], l.lags[r.URL.Path] = value, 0
	}
	fmt.Fprintf(w, `{"data": {"version": %q}}`, l.runs[r.URL.Path])
}

// values returns what the deployed parameter has held, in order.
func (s *scene) values() []string {
	var values []string
	for _, v := range s.AWS.History(fixtures.DefaultAccount, deployedParameter) {
		values = append(values, v.Value)
	}
	return values
}

// finish waits until people were told how the run of a version ended, and holds that
// message against what it must hold.
func (s *scene) finish(version, end string, parts ...string) {
	s.Helper()
	var text string
	s.await("the Finish message of "+version, func() bool {
		for _, m := range s.Chat.Messages() {
			if isFinish(m, scenario{Track: "integration", Version: version}) {
				text = said(m)
			}
		}
		return text != ""
	})
	s.quiet()
	if got := endIn(text, "integration"); got != end {
		s.Errorf("%s ends as %q, want %q", version, got, end)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			s.Errorf("people were told\n%s\nwant %q in it", text, part)
		}
	}
}

// Where a parameter alone is deployed, it is set, the services are asked until they
// follow, and when the gate fails it is put back and they are asked again.
func TestParameterAlone(t *testing.T) {
	t.Parallel()
	s := openScene(t, worldOptions{})
	l := s.newWorkload(false)
	s.begin()
	s.script(fails)
	s.tag(fails.Version)
	s.finish(fails.Version, "failed, rolled back", "gate int-test failed", "Put back: int search, web, "+deployedParameter+" ("+firstVersion+")")
	s.holds(firstVersion, "int")
	if got, want := s.values(), []string{firstVersion, fails.Version, firstVersion}; !slices.Equal(got, want) {
		t.Errorf("the parameter held %q, want %q", got, want)
	}
	s.script(works)
	s.tag(works.Version)
	s.finish(works.Version, "success")
	s.holds(works.Version, "int")
	if got, want := s.values(), []string{firstVersion, fails.Version, firstVersion, works.Version}; !slices.Equal(got, want) {
		t.Errorf("the parameter held %q, want %q", got, want)
	}
	for _, service := range []string{"search", "web"} {
		if got := l.runs["/int/"+service]; got != works.Version {
			t.Errorf("%s runs %s, want %s", service, got, works.Version)
		}
	}
	if head, err := s.head(); err != nil || head != s.was.Head || len(s.GitLab.MergeRequests(envProject)) > 0 {
		t.Errorf("the repository stands at %s, want it untouched (%v)", head, err)
	}
	s.types(
		typed{line: "drift integration", says: []string{"ok   mda on integration, int: " + works.Version + " in search, web; " + works.Version + " in parameter " + deployedParameter}, not: "BAD"},
		typed{line: "rollback " + s.report(works.Version).Run.ID + " --by olga", says: []string{"is queued"}},
	)
	s.reaches(works.Version, bot.RolledBack)
	s.quiet()
	s.holds(firstVersion, "int")
	if got := s.values(); got[len(got)-1] != firstVersion || len(got) != 5 {
		t.Errorf("the parameter held %q, want it put back once", got)
	}
	s.AWS.Put(fixtures.DefaultAccount, deployedParameter, byHand)
	s.types(typed{line: "drift integration", code: 1, says: []string{"BAD  mda on integration, int: "}})
}

// Where a parameter is deployed beside the repository, it is written when the merge
// request has landed, before the services are watched, and the same on the way back.
func TestParameterBeside(t *testing.T) {
	t.Parallel()
	s := openScene(t, worldOptions{})
	l := s.newWorkload(true)
	s.begin()
	s.script(fails)
	s.at(moment{"put parameter", 1, arrives}, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if s.merges() != 1 || len(l.runs) > 0 {
			t.Errorf("the parameter is written after %d merges and the services %v, want it between them", s.merges(), l.runs)
		}
	})
	s.tag(fails.Version)
	s.finish(fails.Version, "failed, rolled back", "gate int-test failed")
	s.stands(firstVersion, "int")
	if got, want := s.values(), []string{firstVersion, fails.Version, firstVersion}; !slices.Equal(got, want) {
		t.Errorf("the parameter held %q, want %q", got, want)
	}
	var order []string
	for _, c := range s.Journal.Calls() {
		if c.Name == "merge" || c.Name == "put parameter" || c.Name == "trigger pipeline" {
			order = append(order, c.Name)
		}
	}
	if want := []string{"merge", "put parameter", "trigger pipeline", "merge", "put parameter"}; !slices.Equal(order, want) {
		t.Errorf("the order was %q, want %q", order, want)
	}
}

// Somebody sets the parameter while the merge request lands: the run does not write over
// it but calls people, and goes on when they have put it right.
func TestParameterRace(t *testing.T) {
	t.Parallel()
	s := openScene(t, worldOptions{})
	s.newWorkload(true)
	s.begin()
	given := works
	given.Want.Calls = 1
	s.script(given)
	s.at(moment{"merge", 1, done}, func() { s.AWS.Put(fixtures.DefaultAccount, deployedParameter, byHand) })
	s.tag(works.Version)
	text, run := s.called(works.Version)
	if want := "parameter " + deployedParameter + " was to go from " + firstVersion + " to " + works.Version + ", but somebody set it to " + byHand + " since"; !strings.Contains(text, want) {
		t.Errorf("people are called with\n%s\nwant %q in it", text, want)
	}
	s.AWS.Put(fixtures.DefaultAccount, deployedParameter, firstVersion)
	s.says("runs", run.ID, "resume")
	s.ends(given)
	if got, want := s.values(), []string{firstVersion, byHand, firstVersion, works.Version}; !slices.Equal(got, want) {
		t.Errorf("the parameter held %q, want %q", got, want)
	}
}
