package bot

import (
	"slices"
	"strings"
)

func (c *Config) validateTracks(k *configCheck) {
	if len(c.Tracks) == 0 {
		k.fail("tracks", "no track: describe at least one")
	}
	first := map[string]string{} // the first track of an environment
	for _, name := range sortedKeys(c.Tracks) {
		field := "tracks." + name
		t := c.Tracks[name]
		c.validateTrack(k, field, name, t)
		for i, s := range t.Stages {
			other, shared := first[s.Environment]
			switch {
			case s.Environment == "":
			case !shared:
				first[s.Environment] = name
			case c.Tracks[other].Lane != t.Lane:
				k.fail(item(field+".stages", i)+".environment", "tracks %q and %q share environment %q but not a lane: write the same lane in both", other, name, s.Environment)
			}
		}
	}
}

func (c *Config) validateTrack(k *configCheck, field, name string, t *TrackConfig) {
	k.name(field, name)
	if t.Lane != name {
		k.name(field+".lane", t.Lane)
	}
	k.names(field+".packages", "package", t.Packages, sortedKeys(c.Packages))
	k.names(field+".notify", "channel", t.Notify, sortedKeys(c.Notify))
	k.oneOf(field+".supersede", t.Supersede, "none", "waiting")
	k.oneOf(field+".rollback.scope", t.Rollback.Scope, "run", "stage")
	c.validateFrom(k, field, name, t)
	c.validateSchedules(k, field, t)
	k.windows(field+".windows", t.Windows)
	if t.Packages != nil && len(t.Packages) == 0 && len(c.Packages) > 0 {
		k.fail(field+".packages", "the list is empty: name packages, or remove it for all")
	}
	if len(t.Stages) == 0 {
		k.fail(field+".stages", "no stage: name at least one environment")
	}
	c.validateOn(k, field, t)
	seen := map[string]bool{}
	for i, s := range t.Stages {
		at := item(field+".stages", i)
		c.validateStage(k, at, name, t, s)
		if seen[s.Environment] && s.Environment != "" {
			k.fail(at+".environment", "environment %q is there twice: a track goes through it once", s.Environment)
		}
		seen[s.Environment] = true
	}
	c.validateBranches(k, field, t)
}

// validateFrom checks the track that a version has to have finished before.
func (c *Config) validateFrom(k *configCheck, field, name string, t *TrackConfig) {
	if t.From == "" || !k.refers(field+".from", "track", t.From, sortedKeys(c.Tracks)) {
		return
	}
	seen := map[string]bool{name: true}
	for at := t.From; at != "" && c.Tracks[at] != nil; at = c.Tracks[at].From {
		if at == name {
			k.fail(field+".from", "track %q leads back to itself: no version could ever go this way", name)
		}
		if seen[at] {
			return
		}
		seen[at] = true
	}
	for _, on := range t.On {
		switch {
		case Origin(on) == OriginTag:
			k.fail(field+".from", "a new tag has not finished track %q yet, so it would always be refused: remove from, or tag from on", t.From)
		case slices.Contains(c.Tracks[t.From].On, on):
			k.fail(field+".from", "a %s starts track %q as well, and a new one has not finished it yet: remove from, or %s from on in one of them", on, t.From, on)
		}
	}
	for _, p := range t.Packages {
		if c.Packages[p] != nil && !slices.Contains(c.Tracks[t.From].Packages, p) {
			k.fail(field+".from", "package %q does not go through track %q: add it there, or leave it out here", p, t.From)
		}
	}
}

// validateBranches refuses a track that deploys two branches of one repository, or puts
// it back in two ways: its rollback is one commit per repository.
func (c *Config) validateBranches(k *configCheck, field string, t *TrackConfig) {
	branches, via := map[string]string{}, map[string]string{}
	for i, s := range t.Stages {
		e := c.Environments[s.Environment]
		if e == nil || e.Repository == "" {
			continue
		}
		if first, ok := via[e.Repository]; ok && first != e.Rollback.Via {
			k.fail("environments."+s.Environment+".rollback.via", "%s is put back by %s here, and by %s in another environment of track %s: a rollback is one commit per repository, so let them share it", e.Repository, e.Rollback.Via, first, strings.TrimPrefix(field, "tracks."))
		}
		via[e.Repository] = e.Rollback.Via
		if first, ok := branches[e.Repository]; ok && first != e.Branch {
			k.fail(item(field+".stages", i)+".environment", "environment %q deploys branch %s of %s, another stage of the track branch %s: a rollback is one commit per repository, so let them share the branch or give each its own track", s.Environment, e.Branch, e.Repository, first)
		}
		branches[e.Repository] = e.Branch
	}
}

func (c *Config) validateStage(k *configCheck, field, track string, t *TrackConfig, s StageConfig) {
	if k.given(field+".environment", s.Environment, "the name of an environment") &&
		k.refers(field+".environment", "environment", s.Environment, sortedKeys(c.Environments)) {
		have := c.Environments[s.Environment].packages()
		for _, p := range t.Packages {
			if c.Packages[p] != nil && !slices.Contains(have, p) && !slices.Contains(have, "") {
				k.fail("environments."+s.Environment+".services", "no service of package %q, which track %q brings here: list one, or write a glob", p, track)
			}
		}
	}
	c.validateGates(k, field, t, s)
	if e := c.Environments[s.Environment]; e != nil && c.Buckets[e.Bucket] != nil {
		for _, p := range t.Packages {
			if c.Packages[p] != nil && c.Packages[p].Data == nil {
				k.fail("environments."+s.Environment+".bucket", "track %q brings package %q here, and nobody knows where it is published: write packages.%s.data, or remove bucket", track, p, p)
			}
		}
	}
}
