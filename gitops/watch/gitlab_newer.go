package watch

import (
	"context"
	"fmt"
	"slices"

	"lockstep/gitops"
)

// maxNewer is how many newer commits are looked at. Each costs two questions about
// its pipeline, and one about its value for each service.
const maxNewer = 10

// undecided reports that a later commit may still tell more of the service.
func undecided(status gitops.ServiceStatus) bool {
	return status.Known != gitops.Running && status.Known != gitops.Broken
}

// An overtaken deployment is one after whose commit others have landed. GitLab may
// then have cancelled its jobs, or never have started them.
type overtaken struct {
	watch GitLab
	d     gitops.Deployment
	newer []gitops.Commit        // newest first
	seen  map[string]gitops.Seen // what newer commits tell, by commit; each is asked once
}

// complete returns what is known of service i, given what the landed commit tells
// of it. The newest commit that holds the value and decides counts; one that still
// deploys it is better than none that says anything.
func (o overtaken) complete(ctx context.Context, i int, known gitops.ServiceStatus) (gitops.ServiceStatus, error) {
	if !undecided(known) {
		return known, nil
	}
	best := known
	for n, commit := range o.newer[:min(len(o.newer), maxNewer)] {
		switch holds, err := o.watch.Holds(ctx, o.d.Repo, commit.ID, o.d.Services[i]); {
		case err != nil:
			return known, err
		case !holds && n == 0:
			return o.changed(ctx, i, known)
		case !holds:
			continue
		}
		later, err := o.ask(ctx, commit.ID)
		if err != nil {
			return known, err
		}
		if !undecided(later[i]) {
			return newer(later[i], commit), nil
		}
		if best.Known == gitops.Unsure && later[i].Known == gitops.NotYet {
			best = newer(later[i], commit)
		}
	}
	return best, nil
}

// ask returns what the pipeline of a newer commit tells of each service.
func (o overtaken) ask(ctx context.Context, commit string) (gitops.Seen, error) {
	if seen, ok := o.seen[commit]; ok {
		return seen, nil
	}
	seen, err := o.watch.at(ctx, o.d, commit)
	if err == nil {
		o.seen[commit] = seen
	}
	return seen, err
}

// newer marks status as what commit tells, not the one that landed.
func newer(status gitops.ServiceStatus, commit gitops.Commit) gitops.ServiceStatus {
	status.Reason += fmt.Sprintf(" (newer commit %s)", gitops.Short(commit.ID))
	return status
}

// changed is what is known of service i when the newest commit holds another value:
// whatever deploys now, it is not ours. It names the first commit without our value.
func (o overtaken) changed(ctx context.Context, i int, known gitops.ServiceStatus) (gitops.ServiceStatus, error) {
	looked := o.newer[:min(len(o.newer), maxNewer)]
	for n, commit := range slices.Backward(looked) {
		holds, err := o.watch.Holds(ctx, o.d.Repo, commit.ID, o.d.Services[i])
		if err != nil {
			return known, err
		}
		if holds {
			continue
		}
		who := fmt.Sprintf("commit %s by %s", gitops.Short(commit.ID), commit.Author)
		if n == maxNewer-1 && len(o.newer) > maxNewer {
			who += ", or one before it,"
		}
		known.Known = gitops.Unsure
		known.Reason = fmt.Sprintf("%s changed the version of %s before it was deployed", who, known.Service)
		return known, nil
	}
	return known, nil
}
