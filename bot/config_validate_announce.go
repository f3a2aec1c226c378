package bot

import (
	"slices"
	"strings"
)

// validateAnnouncements checks everything that announces versions of a package.
func (p *PackageConfig) validateAnnouncements(k *configCheck, field string) {
	if t := p.Tags; t != nil {
		k.project(field+".tags.project", t.Project)
		k.form(field+".tags.name", t.Name)
	}
	if r := p.Releases; r != nil {
		k.project(field+".releases.project", r.Project)
		k.form(field+".releases.name", r.Name)
	}
	if p.Pipelines != nil {
		p.Pipelines.validate(k, field+".pipelines")
	}
	if u := p.Pushes; u != nil {
		k.project(field+".pushes.project", u.Project)
		k.ref(field+".pushes.branch", u.Branch)
		k.holder(field+".pushes", u.File, u.Key)
	}
	if p.Hook != nil && !k.has(field+".hook.secret", p.Hook.Secret) {
		k.fail(field+".hook.secret", "missing: write a reference such as env:HOOK_SECRET")
	}
	if p.Listing != nil && p.Data == nil {
		k.fail(field+".listing", "nobody knows where the package is published: write %s.data", field)
	}
}

// form checks the form of tags that name versions.
func (k *configCheck) form(field, form string) {
	switch {
	case !k.placeholders(field, form, "version"):
	case strings.Count(form, wholeVersion) != 1:
		k.fail(field, "%q does not say where the version stands: write {version} in it once", shortened(form))
	case !isRef(strings.Replace(form, wholeVersion, "1", 1)):
		k.fail(field, "%q is no form of tags: write one such as v{version}", shortened(form))
	}
}

// holder checks the file that holds a version, and where it stands there.
func (k *configCheck) holder(field, file, key string) {
	if k.given(field+".file", file, "the file that holds the version, such as VERSION") {
		k.path(field+".file", file)
	}
	if key != "" {
		k.key(field+".key", key)
	}
}

func (p *PipelinesConfig) validate(k *configCheck, field string) {
	k.project(field+".project", p.Project)
	if p.Branch == "" {
		k.form(field+".name", p.Name)
		for _, name := range []string{"file", "key"} {
			if k.stands(field + "." + name) {
				k.fail(field+"."+name, "is of no use without branch, the version stands in the name of the tag: remove it, or write the branch")
			}
		}
		return
	}
	k.ref(field+".branch", p.Branch)
	k.holder(field, p.File, p.Key)
	for _, name := range []string{"name", "protected"} {
		if k.stands(field + "." + name) {
			k.fail(field+"."+name, "is about tags, and branch is given: keep one of them")
		}
	}
}

// validateOn checks what starts a track.
func (c *Config) validateOn(k *configCheck, field string, t *TrackConfig) {
	var kinds []string
	for _, kind := range Announcements {
		kinds = append(kinds, string(kind))
	}
	for i, on := range t.On {
		at := item(field+".on", i)
		switch {
		case !k.oneOf(at, on, kinds...):
		case slices.Contains(t.On[:i], on):
			k.fail(at, "%s is there twice: remove one", on)
		case !c.announces(t, Origin(on)):
			k.fail(at, "no package of the track has %s under packages, or remove %s", lacking(Origin(on)), on)
		}
	}
}

// lacking says what is to be written where nothing announces versions in a way.
func lacking(kind Origin) string {
	if kind == OriginHook || kind == OriginListing {
		return "a " + string(kind) + ": write it"
	}
	return several[kind] + ": write them"
}

// announces reports that versions of a package of t are announced in a way.
func (c *Config) announces(t *TrackConfig, kind Origin) bool {
	return slices.ContainsFunc(t.Packages, func(name string) bool {
		p := c.Packages[name]
		return p != nil && slices.ContainsFunc(p.sources(), func(s Source) bool { return s.Origin == kind })
	})
}
