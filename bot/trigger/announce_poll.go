package trigger

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"lockstep/bot"
	"lockstep/gitops"
)

// maxChecks is how many versions of a listing are looked at in one look. Data that is not
// complete is looked at again and again: where there is much of it the newest goes first.
const maxChecks = 20

// A Shelf is where the data of versions lies. data.Packages is one.
type Shelf interface {
	// Versions returns what stands for {version} in the prefix of a bucket below which
	// there are objects, in any order.
	Versions(ctx context.Context, bucket bot.Bucket) ([]string, error)
	// Published returns what a version lacks by the list of its objects; "" when it is
	// complete.
	Published(ctx context.Context, set bot.DataSet) (problem string, err error)
}

// read returns what is there, at most limit of it, the newest first.
func (p *Poll) read(ctx context.Context, limit int) ([]announcement, error) {
	switch p.origin() {
	case bot.OriginTag:
		return p.readTags(ctx, limit)
	case bot.OriginRelease:
		return p.readReleases(ctx, limit)
	case bot.OriginPipeline:
		return p.readPipelines(ctx, limit)
	case bot.OriginPush:
		return p.readHeads(ctx)
	case bot.OriginListing:
		return p.readListing(ctx)
	}
	panic("trigger: nothing to poll of " + p.origin())
}

func (p *Poll) readTags(ctx context.Context, limit int) ([]announcement, error) {
	tags, err := p.Forge.Tags(ctx, p.place(), limit)
	var all []announcement
	for _, t := range tags {
		all = append(all, announcement{tag: t.Name, commit: t.Commit, known: true, protected: t.Protected})
	}
	return all, err
}

// readReleases leaves out releases that have lost their tag, and those whose time has not
// come.
func (p *Poll) readReleases(ctx context.Context, limit int) ([]announcement, error) {
	releases, err := p.Forge.Releases(ctx, p.place(), limit)
	var all []announcement
	for _, r := range releases {
		if r.Commit != "" && !r.Upcoming {
			all = append(all, announcement{tag: r.Tag, commit: r.Commit, by: r.Author, link: r.Link})
		}
	}
	return all, err
}

func (p *Poll) readPipelines(ctx context.Context, limit int) ([]announcement, error) {
	var all []announcement
	for _, branch := range p.branches() {
		most := maxBranch
		if branch == "" {
			most = limit
		}
		pipelines, err := p.Forge.Succeeded(ctx, p.place(), branch, most)
		if err != nil {
			return nil, err
		}
		pipelines = slices.DeleteFunc(pipelines, func(l gitops.Pipeline) bool { return !counts(l.Source) })
		if branch != "" {
			if pipelines, err = p.newest(ctx, branch, pipelines); err != nil {
				return nil, err
			}
		}
		for _, l := range pipelines {
			a := announcement{branch: branch, commit: l.SHA, link: l.Link}
			if branch == "" {
				a.tag = l.Ref
			}
			all = append(all, a)
		}
	}
	return all, nil
}

// newest returns the newest of pipelines that ran for the branch itself, if any did. Lists
// do not tell it from a tag that is called as the branch.
func (p *Poll) newest(ctx context.Context, branch string, pipelines []gitops.Pipeline) ([]gitops.Pipeline, error) {
	for i, l := range pipelines {
		if known, ok := p.ofBranch[branch]; ok && known == l.ID {
			return pipelines[i : i+1], nil
		}
		ofTag, err := p.Forge.OfTag(ctx, p.place(), l.ID)
		if err != nil {
			return nil, err
		}
		if !ofTag {
			if p.ofBranch == nil {
				p.ofBranch = map[string]int64{}
			}
			p.ofBranch[branch] = l.ID
			return pipelines[i : i+1], nil
		}
	}
	return nil, nil
}

func (p *Poll) readHeads(ctx context.Context) ([]announcement, error) {
	var all []announcement
	for _, branch := range p.branches() {
		commit, err := p.Forge.Head(ctx, p.place(), branch)
		if err != nil {
			return nil, err
		}
		all = append(all, announcement{branch: branch, commit: commit})
	}
	return all, nil
}

// branches returns the branches of the sources, each once; "" for tags.
func (p *Poll) branches() []string {
	var all []string
	for _, s := range p.Sources {
		if !slices.Contains(all, s.Branch) {
			all = append(all, s.Branch)
		}
	}
	return all
}

func (p *Poll) readListing(ctx context.Context) ([]announcement, error) {
	versions, err := p.Shelf.Versions(ctx, p.Sources[0].Data.Bucket)
	slices.SortFunc(versions, func(a, b string) int { return compareVersions(b, a) })
	var all []announcement
	for _, v := range versions {
		all = append(all, announcement{version: v})
	}
	return all, err
}

// published says what a version lacks; "" when it is complete.
func (p *Poll) published(ctx context.Context, s bot.Source, v gitops.Version) (why string, err error) {
	why, err = p.Shelf.Published(ctx, s.Set(v))
	if why != "" {
		p.Log.Debug("data is not complete yet", "package", s.Package, "version", v, "reason", why)
	}
	return why, err
}

// compareVersions compares versions as people read them: digits by the number that they
// make, all else by its characters.
func compareVersions(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x == "" || y == "" {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		m, n := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Or(cmp.Compare(len(m), len(n)), strings.Compare(m, n)); c != 0 {
			return c
		}
		a, b = a[len(x):], b[len(y):]
	}
	return cmp.Compare(len(a), len(b))
}

// digits returns the digits that text begins with.
func digits(text string) string {
	return text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
}
