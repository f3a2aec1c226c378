package main

import (
	"maps"
	"strings"
	"sync/atomic"
	"testing"

	"lockstep/bot"
	"lockstep/fixtures"
)

// What S3 does wrong for a while only delays a release: the data is copied whole, once,
// and nobody is called.
func TestDataFaults(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	for name, test := range map[string]struct {
		begin func(*scene)
		mend  func(*scene)
	}{
		"throttled": {begin: func(s *scene) {
			s.at(moment{"copy object", 1, arrives}, func() { s.AWS.ThrottleS3(5) })
		}},
		"it fails after the effect": {begin: func(s *scene) {
			var n atomic.Int32
			s.Journal.Break(nil, func(c fixtures.Call) fixtures.Fault {
				if c.Name == "copy object" && n.Add(1) <= 6 {
					return fixtures.BadGateway
				}
				return fixtures.Pass
			})
		}},
		"away": {begin: func(s *scene) {
			away.Store(true)
			s.Journal.Break(func(c fixtures.Call) fixtures.Fault {
				if c.Name == "copy object" && away.Load() {
					return fixtures.Cut
				}
				return fixtures.Pass
			}, nil)
		}, mend: func(s *scene) {
			s.sentence(released.Version, "could not tell: copy "+released.Version+" from preview to live: ")
			s.stands(firstVersion, environments...)
			away.Store(false)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			test.begin(s)
			s.script(released)
			if err := s.ask(t.Context(), s.api, released); err != nil {
				t.Fatal(err)
			}
			if test.mend != nil {
				test.mend(s)
			}
			s.ends(released)
			if left := s.AWS.Uploads(liveBucket); len(left) > 0 {
				t.Errorf("uploads are left behind: %v", left)
			}
		})
	}
}

// Data that is not whole, or not what it was when it was checked, is never used: nothing
// is deployed, what was copied before it stays as it is, and no version is condemned for
// it.
func TestDataNotWhole(t *testing.T) {
	t.Parallel()
	const file = "prices.csv"
	for name, test := range map[string]struct {
		damage func(*scene)
		state  bot.State
		says   string
		copied bool
	}{
		"truncated before": {func(s *scene) { s.AWS.Truncate(previewBucket, dataKey(released.Version, file)) }, bot.Refused, file, false},
		"corrupted before": {func(s *scene) { s.AWS.Corrupt(previewBucket, dataKey(released.Version, file)) }, bot.Refused, file, false},
		"never published":  {func(s *scene) { s.AWS.Truncate(previewBucket, dataKey(released.Version, "manifest.json")) }, bot.Refused, "manifest", false},
		"truncated after the check": {func(s *scene) {
			s.at(moment{"copy object", 1, arrives}, func() { s.AWS.Truncate(previewBucket, dataKey(released.Version, file)) })
		}, bot.RolledBack, file, true},
		"another one is there": {func(s *scene) { s.AWS.PutObject(liveBucket, dataKey(released.Version, file), []byte("other prices")) }, bot.RolledBack, file, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			test.damage(s)
			if err := s.ask(t.Context(), s.api, released); err != nil {
				t.Fatal(err)
			}
			run := s.reaches(released.Version, test.state).Run
			if run.Cause == nil || !strings.Contains(run.Cause.Sentence, test.says) || run.Cause.Verdict {
				t.Fatalf("the run ended because of %+v, want %q in it and no verdict", run.Cause, test.says)
			}
			s.told(run.Cause.Sentence, func(m fixtures.Message) bool { return strings.Contains(said(m), run.Cause.Sentence) })
			s.quiet()
			if s.merges() > 0 || len(s.GitLab.MergeRequests(envProject)) > 0 {
				t.Error("there are merge requests")
			}
			s.stands(firstVersion, environments...)
			s.holds(firstVersion, "int", "abn", "prd")
			preview, live := s.objects(previewBucket, released.Version), s.objects(liveBucket, released.Version)
			if !test.copied && len(live) > 0 || maps.Equal(preview, live) {
				t.Errorf("the live bucket holds %v", live)
			}
			key := dataKey(released.Version, file)
			if name == "truncated after the check" && live[key] == preview[key] {
				t.Errorf("the truncated %s is in the live bucket", key)
			}
		})
	}
}
