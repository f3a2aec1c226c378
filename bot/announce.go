package bot

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep/gitops"
)

// Announcements are the origins by which versions are announced, as tracks name them.
var Announcements = []Origin{OriginTag, OriginRelease, OriginPipeline, OriginPush, OriginHook, OriginListing}

// Announces reports that o announces versions. What is announced twice, however, is one
// run; whoever else asks may ask for a version again.
func (o Origin) Announces() bool { return slices.Contains(Announcements, o) }

// announcement says what announced the version of the run.
func (r *Run) announcement() string {
	what, by := "a "+string(r.Origin), ""
	switch r.Origin {
	case OriginTag:
		by = ", pushed by "
	case OriginRelease:
		by = ", made by "
	case OriginPipeline:
		by = ", started by "
	case OriginPush:
		by = " by "
	case OriginHook:
		what, by = "a signed call", " for "
	case OriginListing:
		what = "its data in the bucket"
	}
	if r.By == "" || by == "" {
		return what
	}
	return what + by + r.By
}

// A Source announces versions of one package in one way.
type Source struct {
	Origin  Origin
	Package string
	Poll    time.Duration // how often it is looked at; 0: nothing can be looked at
	Tracks  []string      // that it starts, in order

	Project   string // the data project in GitLab; "" for a hook and a listing
	Name      string // the form of the tags that name versions; "" where a file does
	Protected bool   // only tags that GitLab protects count
	Branch    string // whose pushes or pipelines count; "" for tags
	File      string // that holds the version at a commit of Branch
	Key       string // where it stands there; "": the whole file is the version

	Data *DataSet // of a listing, with {version} in the prefix of its bucket
}

// Tagged returns the version that a tag announces, as it stands in it. The error is a
// sentence.
func (s *Source) Tagged(tag string) (string, error) {
	v, ok := cutVersion(s.Name, tag)
	if !ok {
		return "", fmt.Errorf("the tags of package %q have the form %s", s.Package, s.Name)
	}
	return v, nil
}

// Held returns the version that the file of s holds. The error is a sentence.
func (s *Source) Held(content []byte) (string, error) {
	if s.Key == "" {
		return strings.TrimSpace(string(content)), nil
	}
	v, err := gitops.Value(s.File, content, s.Key)
	return string(v), err
}

// Set returns the data of a version of a listing.
func (s *Source) Set(v gitops.Version) DataSet {
	set := *s.Data
	set.Bucket.Prefix = strings.Replace(set.Bucket.Prefix, wholeVersion, string(v), 1)
	return set
}

// cutVersion returns what stands for {version} in text, which has form.
func cutVersion(form, text string) (v string, ok bool) {
	before, after, _ := strings.Cut(form, wholeVersion)
	rest, begins := strings.CutPrefix(text, before)
	v, ends := strings.CutSuffix(rest, after)
	return v, begins && ends
}

// Sources returns everything that announces versions, by package and kind.
func (c *Config) Sources() []Source {
	var all []Source
	for _, pkg := range sortedKeys(c.Packages) {
		for _, s := range c.Packages[pkg].sources() {
			s.Package = pkg
			for _, track := range sortedKeys(c.Tracks) {
				if t := c.Tracks[track]; slices.Contains(t.On, string(s.Origin)) && slices.Contains(t.Packages, pkg) {
					s.Tracks = append(s.Tracks, track)
				}
			}
			if s.Origin == OriginListing {
				s.Data = c.set(pkg, wholeVersion)
			}
			all = append(all, s)
		}
	}
	return all
}

// sources returns what announces versions of p, in the order of Announcements.
func (p *PackageConfig) sources() []Source {
	var all []Source
	if t := p.Tags; t != nil {
		all = append(all, Source{Origin: OriginTag, Project: t.Project, Name: t.Name, Protected: t.Protected, Poll: t.Poll})
	}
	if r := p.Releases; r != nil {
		all = append(all, Source{Origin: OriginRelease, Project: r.Project, Name: r.Name, Protected: r.Protected, Poll: r.Poll})
	}
	switch l := p.Pipelines; {
	case l == nil:
	case l.Branch == "":
		all = append(all, Source{Origin: OriginPipeline, Project: l.Project, Name: l.Name, Protected: l.Protected, Poll: l.Poll})
	default:
		all = append(all, Source{Origin: OriginPipeline, Project: l.Project, Branch: l.Branch, File: l.File, Key: l.Key, Poll: l.Poll})
	}
	if u := p.Pushes; u != nil {
		all = append(all, Source{Origin: OriginPush, Project: u.Project, Branch: u.Branch, File: u.File, Key: u.Key, Poll: u.Poll})
	}
	if p.Hook != nil {
		all = append(all, Source{Origin: OriginHook})
	}
	if p.Listing != nil {
		all = append(all, Source{Origin: OriginListing, Poll: p.Listing.Poll})
	}
	return all
}

// Announced returns the requests that a source makes with a version: one for each track
// that it starts. The error is a sentence that says why it makes none.
func (c *Config) Announced(s Source, v string) ([]Request, error) {
	if _, err := c.Packages[s.Package].parse(s.Package, v); err != nil {
		return nil, err
	}
	var requests []Request
	for _, track := range s.Tracks {
		q, err := c.Request(s.Package, track, v)
		if err != nil {
			return nil, err
		}
		q.Origin = s.Origin
		requests = append(requests, q)
	}
	if len(requests) == 0 {
		return nil, fmt.Errorf("no track starts on %s of package %q", several[s.Origin], s.Package)
	}
	return requests, nil
}

// several are the kinds of announcements as people name more than one.
var several = map[Origin]string{
	OriginTag: "tags", OriginRelease: "releases", OriginPipeline: "pipelines",
	OriginPush: "pushes", OriginHook: "hooks", OriginListing: "listings",
}
