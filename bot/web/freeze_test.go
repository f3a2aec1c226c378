package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
)

// The first page says of a lane that is frozen with everything until when and why, and
// how that ends.
func TestIndexShowsTheRedButton(t *testing.T) {
	t.Parallel()
	store := filled()
	store.lanes[0].All = &bot.Freeze{Reason: "fire", By: "ana", At: clock, Until: clock.Add(time.Hour), All: true}
	store.lanes[1].All = store.lanes[0].All
	w := ask(t, serverOf(store), http.MethodGet, "/", "")
	for _, want := range []string{
		"<p>fire</p>", "with everything, since 2026-11-22 02:30:00 UTC until 2026-11-22 03:30:00 UTC, by ana", "lockstep thaw --all",
		"the rollback of run ended failed", "lockstep thaw release", // its own first
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page does not hold %q:\n%s", want, w.Body)
		}
	}
	w = ask(t, serverOf(store), http.MethodGet, "/api/v1/status", "")
	if got := w.Body.String(); strings.Count(got, `"reason":"fire"`) != 2 || !strings.Contains(got, `{"lane":"integration"`) {
		t.Errorf("got %s, want both lanes frozen", got)
	}
}

// A lane that is not configured any more can still be thawed.
func TestThawOfALaneOfOldDays(t *testing.T) {
	t.Parallel()
	store := filled()
	server := serverOf(store)
	server.Lane = func(string) (string, error) { return "", http.ErrNoLocation }
	store.lanes[0].Lane = "old"
	w := ask(t, server, http.MethodPost, "/api/v1/lanes/old/thaw", `{}`)
	if w.Code != http.StatusOK || store.said[0] != "thaw old, somebody from API () at 02:30:00" {
		t.Errorf("got %d %s, handed on %q", w.Code, w.Body, store.said)
	}
}

// catalog returns a configuration with a schedule.
func catalog() *bot.Config {
	c, err := bot.ParseConfig("lockstep.yaml", []byte(`gitlab: {url: 'https://gitlab.example.com', token: 'env:TOKEN'}
packages: {mda: {tags: {project: data/mda}}}
environments: {int: {repository: env/mda, services: [{name: kv, file: int/kv.yaml, key: version}]}}
tracks: {integration: {stages: [{environment: int}], schedules: [{name: nightly, cron: 30 2 * * *, zone: Europe/Berlin}]}}
`))
	if err != nil {
		panic(err)
	}
	return c
}

// A time that no JSON can say must not come into the store: nobody could read the lanes any
// more.
func TestFreezeUntilAfterAllYears(t *testing.T) {
	t.Parallel()
	server := real(t)
	w := ask(t, server, http.MethodPost, "/api/v1/lanes/integration/freeze", `{"reason":"x","until":"9999-12-31T23:59:59-01:00"}`)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "is after the year 9999") {
		t.Errorf("got %d %s, want 400", w.Code, w.Body)
	}
	if w := ask(t, server, http.MethodGet, "/api/v1/lanes", ""); !strings.Contains(w.Body.String(), `"lanes"`) {
		t.Errorf("the lanes are %q", w.Body)
	}
}
