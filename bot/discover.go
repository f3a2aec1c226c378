package bot

import (
	"fmt"
	"slices"

	"lockstep/gitops"
)

// A Discovery is which services of an environment use a data package, and how that was
// found out.
type Discovery struct {
	Services []Service
	Why      []string       // of each service: how it was found
	Left     []gitops.Doubt // releases that name a version and are not installed there
	Doubts   []gitops.Doubt // what was not understood of helmfiles
}

// discover adds the services that the stage's globs and helmfiles find in tree. A
// listed service keeps its own file and key.
func (t *TrackStage) discover(tree Tree) error {
	if len(t.Globs) == 0 && len(t.Helmfiles) == 0 {
		return nil
	}
	found, err := t.find(tree)
	if err != nil {
		return err
	}
	if d := found.hides(t.Plan.Services); d != nil {
		return t.hidden(d)
	}
	if len(found.Services) == 0 {
		return t.none()
	}
	t.Plan.Services = found.Services
	return nil
}

// hidden says that a doubt may hide a service.
func (t *TrackStage) hidden(d *gitops.Doubt) refusal {
	return refusal(fmt.Sprintf("environment %s: not every service can be told without running templates: %s; list the service by name, file and key, or find the services by a glob", t.Plan.Environment, d))
}

// none says where services were looked for in vain.
func (t *TrackStage) none() refusal {
	where := ""
	if len(t.Globs) > 0 {
		where = "no file of " + t.Plan.Repo + " matches " + t.Globs[0].Pattern
	} else {
		h := t.Helmfiles[0]
		where = fmt.Sprintf("no release of %s in environment %s has %s in its values", h.File, h.Environment, h.Key)
	}
	return refusal(fmt.Sprintf("environment %s: no service found: %s", t.Plan.Environment, where))
}

// hides returns the first doubt that may hide a service other than those that are
// listed; nil when none does.
func (d Discovery) hides(listed []Service) *gitops.Doubt {
	for i, doubt := range d.Doubts {
		named := slices.ContainsFunc(listed, func(s Service) bool { return s.Name == doubt.Release })
		if doubt.Hides && !named {
			return &d.Doubts[i]
		}
	}
	return nil
}

// find looks for the services of a stage: the listed ones, then those of its globs and
// helmfiles.
func (t *TrackStage) find(tree Tree) (Discovery, error) {
	var d Discovery
	for _, s := range t.Plan.Services {
		d.add(s, "listed in the configuration")
	}
	if err := t.findGlobs(tree, &d); err != nil {
		return Discovery{}, err
	}
	for _, h := range t.Helmfiles {
		uses, err := gitops.HelmfileUses(tree, h.File, h.Environment, h.Key)
		if err != nil {
			return Discovery{}, err
		}
		for _, u := range uses.Uses {
			d.add(Service{Name: u.Service, File: u.File, Key: u.Key}, u.Why)
		}
		d.Left, d.Doubts = append(d.Left, uses.Left...), append(d.Doubts, uses.Doubts...)
	}
	return d, nil
}

// findGlobs adds the services that the stage's globs find.
func (t *TrackStage) findGlobs(tree Tree, d *Discovery) error {
	for _, glob := range t.Globs {
		files, err := tree.Match(glob.Pattern)
		if err != nil {
			return err
		}
		found, err := gitops.Dependents(files, glob.Pattern)
		if err != nil {
			return refusal(fmt.Sprintf("environment %s: %v", t.Plan.Environment, err))
		}
		for _, one := range found {
			d.add(Service{Name: one.Service, File: one.File, Key: glob.Key}, "matches "+glob.Pattern)
		}
	}
	return nil
}

// add adds a service that is not there yet, whichever way found it first.
func (d *Discovery) add(s Service, why string) {
	if !slices.ContainsFunc(d.Services, func(other Service) bool { return other.Name == s.Name }) {
		d.Services, d.Why = append(d.Services, s), append(d.Why, why)
	}
}
