package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lockstep/gitops"
	"lockstep/rollback"
)

// propose brings the commit of the current delivery onto its branch, then opens the
// merge request: one act a step, each looked for before.
func (b *Bot) propose(ctx context.Context, r *Run) (Outcome, error) {
	d := r.Delivery()
	switch {
	case d.bare():
		return to(Merged, "no commit is needed: %s is deployed by a parameter alone", d.Sets[0].Environment), nil
	case d.direct():
		return b.pushBack(ctx, r, d)
	}
	mr, err := b.Forge.Find(ctx, d.Change.Repo, d.Change.Branch)
	switch {
	case errors.Is(err, gitops.ErrNotFound):
	case err != nil:
		return Outcome{}, err
	case mr.State == gitops.Merged || mr.State == gitops.Locked:
		return r.proposed(d, mr), nil
	}
	tip, err := b.Repos.Tip(ctx, d.Change.Repo, d.Change.Branch)
	switch {
	case errors.Is(err, gitops.ErrNotFound):
		return b.push(ctx, r, d, "")
	case err != nil:
		return Outcome{}, err
	case tip.ID == d.Head:
		return b.open(ctx, r, d)
	case gitops.Trailer(tip.Message, gitops.TrailerRun) != r.ID:
		return call("branch %s of %s holds a commit %.8s that is not ours: remove the branch, then resume the run", d.Change.Branch, d.Change.Repo, tip.ID), nil
	}
	return b.push(ctx, r, d, tip.ID)
}

// direct reports that a delivery goes onto its target itself, without a merge request.
func (d *Delivery) direct() bool { return d.Change.Branch == d.Change.Target }

// pushBack brings a rollback onto the deployed branch itself, provided that the branch
// has not moved since it was planned. Whether it has landed, the branch's history says.
func (b *Bot) pushBack(ctx context.Context, r *Run, d *Delivery) (Outcome, error) {
	in, err := b.Rules.Contains(ctx, d.Change.Repo, d.Change.Target, d.Head)
	switch {
	case err != nil:
		return Outcome{}, err
	case in:
		d.Landed = d.Head
		return to(Merged, "%.8s landed on %s of %s", d.Head, d.Change.Target, d.Change.Repo), nil
	}
	head, err := b.Repos.Head(ctx, d.Change.Repo, d.Change.Target)
	switch {
	case err != nil:
		return Outcome{}, err
	case head != d.Base:
		return r.catchUp(d, fmt.Sprintf("it moved on to %.8s", head)), nil
	}
	return b.push(ctx, r, d, head)
}

// push sends the commit, provided that the branch still stands at tip.
func (b *Bot) push(ctx context.Context, r *Run, d *Delivery, tip string) (Outcome, error) {
	base, err := b.Repos.At(ctx, d.Change.Repo, d.Base, d.Change.Files()...)
	if err != nil {
		return Outcome{}, err
	}
	files, err := d.Change.Apply(base.File)
	if err != nil {
		return Outcome{}, err
	}
	id, err := b.Repos.Push(ctx, base, d.Change, files, tip)
	switch {
	case errors.Is(err, gitops.ErrConflict):
		return b.delayed(r, wait("branch %s of %s moved while we pushed: looking again", d.Change.Branch, d.Change.Repo)), nil
	case err != nil:
		return Outcome{}, err
	}
	d.Head = id
	return again("pushed %.8s to branch %s of %s", id, d.Change.Branch, d.Change.Repo), nil
}

// open opens the merge request of the pushed commit.
func (b *Bot) open(ctx context.Context, r *Run, d *Delivery) (Outcome, error) {
	mr, err := b.Forge.Open(ctx, b.proposal(r, d))
	if err != nil {
		return Outcome{}, err
	}
	return r.proposed(d, mr), nil
}

// proposed notes the merge request that carries a delivery.
func (r *Run) proposed(d *Delivery, mr gitops.MergeRequest) Outcome {
	d.IID, d.Link = mr.IID, mr.Link
	return to(Proposed, "merge request !%d of %s is open", mr.IID, mr.Project).linked(mr.Link)
}

// merge merges the open merge request when its head was verified and the values that
// it replaces still stand.
func (b *Bot) merge(ctx context.Context, r *Run) (Outcome, error) {
	d := r.Delivery()
	mr, err := b.Forge.MergeRequest(ctx, d.Change.Repo, d.IID)
	switch {
	case errors.Is(err, gitops.ErrNotFound):
		return b.delayed(r, wait("merge request !%d of %s is gone, or the bot may not see it", d.IID, d.Change.Repo)), nil
	case err != nil:
		return Outcome{}, err
	}
	switch mr.State {
	case gitops.Merged:
		return b.landed(ctx, r, d, mr)
	case gitops.Locked:
		return b.delayed(r, wait("GitLab is merging !%d", mr.IID).linked(mr.Link)), nil
	case gitops.Closed:
		r.Resume = r.unproposed()
		return call("merge request !%d was closed%s: resume the run to open a new one%s", mr.IID, by(mr.ClosedBy), r.orCancel()).linked(mr.Link), nil
	}
	changed, err := b.changed(ctx, d)
	switch {
	case err != nil:
		return Outcome{}, err
	case changed != "":
		return r.rebuild(d, changed), nil
	case mr.SHA != d.Head:
		return b.delayed(r, wait("!%d stands at %.8s instead of our commit %.8s: GitLab lags behind, or somebody pushed to branch %s", mr.IID, mr.SHA, d.Head, mr.Source).linked(mr.Link)), nil
	case mr.Target != d.Change.Target:
		return b.delayed(r, wait("somebody made !%d target %s instead of %s", mr.IID, mr.Target, d.Change.Target).linked(mr.Link)), nil
	}
	plan := r.plan(d)
	switch answer, why := mr.Mergeable(plan.Checked); {
	case answer == gitops.MergeNever:
		return b.rejected(ctx, r, mr, why)
	case answer == gitops.MergePerson && mr.Behind() && d.Looked != d.Base:
		return r.catchUp(d, why), nil
	case answer == gitops.MergePerson && plan.Attended && r.Direction == Back:
		return call("the rollback waits in !%d: %s; help it on, then resume the run", mr.IID, why).linked(mr.Link), nil
	case answer == gitops.MergeNow || plan.ByPerson && r.Direction == Forward:
		return b.release(ctx, r, d, mr)
	default:
		return b.delayed(r, wait("!%d waits: %s", mr.IID, why).linked(mr.Link)), nil
	}
}

// release merges a merge request that GitLab would merge, or leaves it to people, unless
// the run may not go on with it now.
func (b *Bot) release(ctx context.Context, r *Run, d *Delivery, mr gitops.MergeRequest) (Outcome, error) {
	if r.heldForward() {
		r.Clock.start(b.Now()) // merge_limit runs while it may merge
		return r.paused().linked(mr.Link), nil
	}
	if r.Direction == Back {
		return b.accept(ctx, r, mr)
	}
	if o, lapsed, err := b.lapsed(ctx, r); lapsed || err != nil {
		return o, err
	}
	if r.plan(d).ByPerson {
		return d.handed(mr), nil
	}
	if o, held := b.shut(r, r.Stage); held {
		r.Clock.start(b.Now())
		return o.linked(mr.Link), nil
	}
	return b.accept(ctx, r, mr)
}

// handed leaves a merge request to people, for as long as they like, and tells them so
// once.
func (d *Delivery) handed(mr gitops.MergeRequest) Outcome {
	o := Outcome{Pace: Person, Reason: fmt.Sprintf("!%d of %s waits for a person to merge it", mr.IID, mr.Project), Link: mr.Link, Asks: !d.Told}
	d.Told = true
	return o
}

// rejected judges a merge request whose own pipeline failed. Where no job blames the
// change, as when a runner broke, a person may run the pipeline again.
func (b *Bot) rejected(ctx context.Context, r *Run, mr gitops.MergeRequest, why string) (Outcome, error) {
	jobs, err := b.Pipelines.Jobs(ctx, mr.Project, mr.HeadPipeline.ID)
	if err != nil {
		return Outcome{}, err
	}
	for _, j := range jobs {
		if j.Blames() && !j.AllowFailure {
			sentence := fmt.Sprintf("!%d cannot be merged: %s, job %s: %s", mr.IID, why, j.Name, j.FailureReason)
			return r.fail(Cause{Sentence: sentence, Link: pipelineLink(mr), Environment: r.plan(r.Delivery()).Environment}), nil
		}
	}
	return b.delayed(r, wait("!%d waits: %s, but no job blames the change: run it again in GitLab", mr.IID, why).linked(pipelineLink(mr))), nil
}

// accept asks GitLab to merge exactly the commit that was verified. What became of it
// is read by the next step: an accepted merge is not a merge.
func (b *Bot) accept(ctx context.Context, r *Run, mr gitops.MergeRequest) (Outcome, error) {
	err := b.Forge.Merge(ctx, mr)
	switch {
	case errors.Is(err, gitops.ErrConflict):
		return b.delayed(r, wait("GitLab does not merge !%d yet", mr.IID).linked(mr.Link)), nil
	case errors.Is(err, gitops.ErrRefused):
		return call("%v; mend it, then resume the run", err).linked(mr.Link), nil
	case err != nil:
		return Outcome{}, err
	}
	return b.delayed(r, wait("asked GitLab to merge !%d at %.8s", mr.IID, mr.SHA).linked(mr.Link)), nil
}

// landed reads the values at the commit that landed, because only the commit itself
// says what landed.
func (b *Bot) landed(ctx context.Context, r *Run, d *Delivery, mr gitops.MergeRequest) (Outcome, error) {
	commit := mr.Landed
	changed, err := b.missed(ctx, d, commit)
	if err == nil && len(changed) > 0 { // a person may have put it right since
		if commit, err = b.Repos.Head(ctx, d.Change.Repo, d.Change.Target); err == nil {
			changed, err = b.missed(ctx, d, commit)
		}
	}
	switch {
	case err != nil:
		return Outcome{}, err
	case len(changed) > 0 && r.Direction == Forward:
		c := changed[0]
		return call("!%d landed as %.8s, but %s does not name %s on %s (%s): put it right and resume the run, or cancel it", mr.IID, mr.Landed, c.Bump.Service, c.Bump.To, d.Change.Target, c.Reason).linked(mr.Link), nil
	}
	r.leave(d, changed)
	d.Landed = commit
	return to(Merged, "!%d landed as %.8s on %s", mr.IID, mr.Landed, d.Change.Target).linked(mr.Link), nil
}

// missed returns the values of a delivery that do not stand at a commit, and why.
func (b *Bot) missed(ctx context.Context, d *Delivery, commit string) ([]rollback.Left, error) {
	tree, err := b.Repos.At(ctx, d.Change.Repo, commit, d.Change.Files()...)
	if err != nil {
		return nil, err
	}
	var missed []rollback.Left
	for _, bump := range d.Change.Bumps {
		now, err := stands(tree, bump.Place)
		if err != nil {
			return nil, err
		}
		if now.Version != bump.To {
			missed = append(missed, rollback.Left{Bump: bump, Reason: now.String()})
		}
	}
	return missed, nil
}

// leave takes values out of a delivery on the way back that people have changed since:
// what they set stays.
func (r *Run) leave(d *Delivery, changed []rollback.Left) {
	for _, c := range changed {
		is := func(b gitops.Bump) bool { return b == c.Bump }
		d.Change.Bumps = slices.DeleteFunc(slices.Clone(d.Change.Bumps), is)
		d.Sets = slices.DeleteFunc(slices.Clone(d.Sets), is)
		r.Left = append(r.Left, rollback.Left{Bump: c.Bump.Inverse(), Reason: c.Reason})
	}
}

// changed says which value a person changed on the target branch since the delivery
// was prepared; "" when none. It reads a tree only when the branch has moved.
func (b *Bot) changed(ctx context.Context, d *Delivery) (string, error) {
	head, err := b.Repos.Head(ctx, d.Change.Repo, d.Change.Target)
	if err != nil || head == d.Looked {
		return "", err
	}
	tree, err := b.Repos.At(ctx, d.Change.Repo, head, d.Change.Files()...)
	if err != nil {
		return "", err
	}
	for _, bump := range d.Change.Bumps {
		now, err := stands(tree, bump.Place)
		if err != nil {
			return "", err
		}
		if now.Version != bump.From && now.Version != bump.To {
			return fmt.Sprintf("%s of %s: %s (commit %.8s)", bump.Service, bump.Environment, now, head), nil
		}
	}
	d.Looked = head
	return "", nil
}

// rebuild prepares the delivery anew on the newest commit: once for a changed value,
// then people are called. On the way back the plan by value decides what is left.
func (r *Run) rebuild(d *Delivery, why string) Outcome {
	if d.Rebuilt++; d.Rebuilt > 1 {
		d.Rebuilt = 0
		r.Resume = r.unprepared()
		return call("%s, and that again after the change was built anew: agree who sets it, then resume the run", why)
	}
	return to(r.unprepared(), "%s; building the change anew", why)
}

// maxBehind is how often a delivery is built anew because its target moved on.
const maxBehind = 10

// catchUp prepares the delivery anew on the newest commit, because it cannot land there
// as it stands. Where others land all the time it would never end: people are called.
func (r *Run) catchUp(d *Delivery, why string) Outcome {
	if d.Behind++; d.Behind > maxBehind {
		d.Behind = 0
		r.Resume = r.unprepared()
		return call("the change fell behind %s of %s %d times (%s): keep others from landing there for a while, then resume the run", d.Change.Target, d.Change.Repo, maxBehind, why).linked(d.Link)
	}
	return to(r.unprepared(), "the change cannot land on the newest commit of %s (%s); building it anew", d.Change.Target, why)
}

// unproposed is the state from which a new merge request is opened.
func (r *Run) unproposed() State {
	if r.Direction == Back {
		return Recalled
	}
	return Prepared
}

// unprepared is the state from which the delivery is worked out anew.
func (r *Run) unprepared() State {
	if r.Direction == Back {
		return Failed
	}
	return Started
}

// delayed turns a wait into a call for people when it has lasted for the merge limit.
// A branch or a merge request that does not move is no verdict on the data. A run that
// goes on looks at both anew: what a person has removed is made again.
func (b *Bot) delayed(r *Run, o Outcome) Outcome {
	limit := r.plan(r.Delivery()).MergeLimit
	if r.Clock.overdue(b.Now(), limit) {
		r.Resume = r.unproposed()
		return call("%s, for %s now: help it on, then resume the run", o.Reason, limit).linked(o.Link)
	}
	return o
}

// plan returns the plan of the first stage that the delivery brings values to.
func (r *Run) plan(d *Delivery) StagePlan {
	for _, s := range r.Stages {
		if s.Plan.home() == d.Change.Repo && (r.Direction == Back || s.Plan.Environment == r.Stages[r.Stage].Plan.Environment) {
			return s.Plan
		}
	}
	panic("bot: delivery into " + d.Change.Repo + " belongs to no stage")
}

// stands reads what stands at a place of a tree.
func stands(tree Tree, p gitops.Place) (rollback.Standing, error) {
	data, err := tree.File(p.File)
	switch {
	case errors.Is(err, gitops.ErrNotFound):
		return rollback.Standing{Missing: "the file is gone"}, nil
	case errors.Is(err, gitops.ErrRefused):
		return rollback.Standing{Missing: fmt.Sprintf("it cannot be read: %v", err)}, nil
	case err != nil:
		return rollback.Standing{}, err
	}
	version, err := gitops.Value(p.File, data, p.Key)
	if err != nil {
		return rollback.Standing{Missing: fmt.Sprintf("it cannot be read: %v", err)}, nil
	}
	return rollback.Standing{Version: version}, nil
}

// orCancel offers a cancel as the end of a sentence, where one means something.
func (r *Run) orCancel() string {
	if r.Cancellable() {
		return ", or cancel it"
	}
	return ""
}

// by returns who did something as the end of a clause.
func by(user string) string {
	if user == "" {
		return ""
	}
	return " by " + user
}

// pipelineLink returns the link of the merge request's pipeline, else its own.
func pipelineLink(mr gitops.MergeRequest) string {
	if mr.HeadPipeline != nil && mr.HeadPipeline.Link != "" {
		return mr.HeadPipeline.Link
	}
	return mr.Link
}
