package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep/gitops"
	"lockstep/rollback"
)

// recall makes sure that nothing of the run can land or deploy any more, then plans
// the way back. Only what has landed is put back; what landed while we closed it is
// part of that.
func (b *Bot) recall(ctx context.Context, r *Run) (Outcome, error) {
	for _, d := range slices.Backward(r.sent()) {
		if o, busy, err := b.disarm(ctx, r, d); busy || err != nil {
			return o, err
		}
	}
	past, err := b.History.Undone(ctx, r)
	if err != nil {
		return Outcome{}, fmt.Errorf("look up what was undone since: %w", err)
	}
	if o, busy, err := b.restore(ctx, r, past); busy || err != nil {
		return o, err
	}
	way, trees, err := b.wayBack(ctx, r, past)
	if err != nil {
		return Outcome{}, err
	}
	if names := r.endless(way.Stood); names != "" {
		return call("nobody knows what to go back to from %s for %s: set by hand what is to stand there, then resume the run", r.Version, names), nil
	}
	backs, err := b.deliveries(ctx, r, way, trees)
	if err != nil {
		return Outcome{}, err
	}
	landed := slices.DeleteFunc(slices.Clone(r.Backs), func(d Delivery) bool { return d.Landed == "" })
	way.Left = append(way.Left, r.unwritten()...)
	r.Left, r.Backs, r.Direction = way.Left, append(landed, backs...), Back
	if r.At = slices.IndexFunc(r.Backs, func(d Delivery) bool { return len(d.Seen) == 0 }); r.At < 0 {
		r.At = 0
		return b.reminded(ctx, r, r.verified())
	}
	return to(Recalled, "%s", r.planned(backs)), nil
}

// planned says what the way back will do, and what of it has landed already.
func (r *Run) planned(backs []Delivery) string {
	if d := r.Backs[r.At]; d.Landed != "" {
		return fmt.Sprintf("%.8s landed on %s meanwhile: it is watched as it is", d.Landed, d.Change.Target)
	}
	bumps := 0
	var repos []string
	for i, d := range backs {
		bumps += len(backs[i].bumps())
		repos = append(repos, d.Change.Repo)
	}
	return fmt.Sprintf("%s to be put back in %s%s%s", count(bumps, "value"), strings.Join(repos, " and "), r.detours(), r.leftovers())
}

// sent returns every delivery that may have reached the outside.
func (r *Run) sent() []*Delivery {
	var sent []*Delivery
	scoped := r.scoped()
	for i := range scoped {
		if d := &scoped[i].Delivery; d.Head != "" {
			sent = append(sent, d)
		}
	}
	for i := range r.Backs {
		if d := &r.Backs[i]; d.Landed == "" && !d.bare() {
			sent = append(sent, d)
		}
	}
	return sent
}

// isBack reports that d is one of the run's deliveries on the way back.
func (r *Run) isBack(d *Delivery) bool {
	for i := range r.Backs {
		if d == &r.Backs[i] {
			return true
		}
	}
	return false
}

// disarm closes the merge request of a delivery that has not landed, removes its
// branch, and settles the pipelines of one that has. busy says that it is not yet
// settled, or that the step has acted.
func (b *Bot) disarm(ctx context.Context, r *Run, d *Delivery) (o Outcome, busy bool, err error) {
	if d.direct() {
		in, err := b.Rules.Contains(ctx, d.Change.Repo, d.Change.Target, d.Head)
		if in && err == nil {
			d.Landed = d.Head
		}
		return Outcome{}, false, err
	}
	mr, err := b.Forge.Find(ctx, d.Change.Repo, d.Change.Branch)
	switch {
	case errors.Is(err, gitops.ErrNotFound):
		return b.withdraw(ctx, d, gitops.MergeRequest{})
	case err != nil:
		return Outcome{}, false, err
	}
	switch mr.State {
	case gitops.Merged:
		d.IID, d.Link, d.Landed = mr.IID, mr.Link, cmp.Or(d.Landed, mr.Landed)
		if r.isBack(d) {
			return Outcome{}, false, nil // its pipeline is the one that puts things back
		}
		return b.settle(ctx, r, d)
	case gitops.Locked:
		return b.settling(r, wait("GitLab is merging !%d: it will be put back when it has landed", mr.IID).linked(mr.Link)), true, nil
	}
	return b.withdraw(ctx, d, mr)
}

// withdraw closes the merge request of a delivery that has not landed, if it is open,
// then removes its branch. busy says that the step has acted.
func (b *Bot) withdraw(ctx context.Context, d *Delivery, mr gitops.MergeRequest) (o Outcome, busy bool, err error) {
	if mr.State != gitops.Opened {
		return b.tidy(ctx, d)
	}
	if err := b.Forge.Close(ctx, d.Change.Repo, mr.IID); err != nil {
		return Outcome{}, false, err
	}
	return again("closed !%d before it could land", mr.IID).linked(mr.Link), true, nil
}

// settle cancels what still runs of a landed commit's pipelines: an old job must not
// win after the rollback.
func (b *Bot) settle(ctx context.Context, r *Run, d *Delivery) (o Outcome, busy bool, err error) {
	pipelines, err := b.Pipelines.Pipelines(ctx, d.Change.Repo, gitops.PipelineQuery{Ref: d.Change.Target, SHA: d.Landed})
	if err != nil {
		return Outcome{}, false, err
	}
	if len(pipelines) == 0 && !r.Clock.overdue(b.Now(), 2*b.Limits.Longest) {
		return wait("the pipeline of %.8s is not there yet, and would deploy after the rollback", d.Landed), true, nil
	}
	for _, p := range pipelines {
		switch {
		case p.Status.Settled() || p.Status == gitops.StatusManual: // nothing of it goes on by itself
		case p.Status == gitops.StatusCanceling:
			return b.settling(r, wait("pipeline %d is being cancelled", p.ID).linked(p.Link)), true, nil
		default:
			if err := b.Pipelines.Cancel(ctx, d.Change.Repo, p.ID); err != nil {
				return Outcome{}, false, err
			}
			return b.settling(r, wait("asked GitLab to cancel pipeline %d, which still deploys %s", p.ID, r.Version).linked(p.Link)), true, nil
		}
	}
	p, found, err := b.overtaking(ctx, d)
	if err != nil || !found {
		return Outcome{}, false, err
	}
	return b.settling(r, wait("pipeline %d of a newer commit (%.8s) still deploys %s: it has to end first", p.ID, p.SHA, r.Version).linked(p.Link)), true, nil
}

// overtaking returns a pipeline of a newer commit that goes on and still deploys a value
// of the delivery. It is somebody else's, so it is waited for, not cancelled.
func (b *Bot) overtaking(ctx context.Context, d *Delivery) (gitops.Pipeline, bool, error) {
	pipelines, err := b.Pipelines.Pipelines(ctx, d.Change.Repo, gitops.PipelineQuery{Ref: d.Change.Target, Since: d.Change.When.Add(-time.Minute)}) // clocks differ
	if err != nil {
		return gitops.Pipeline{}, false, err
	}
	for _, p := range pipelines {
		if p.SHA == d.Landed || p.Status.Settled() || p.Status == gitops.StatusManual {
			continue
		}
		tree, err := b.Repos.At(ctx, d.Change.Repo, p.SHA, d.Change.Files()...)
		if err != nil {
			return gitops.Pipeline{}, false, err
		}
		for _, bump := range d.Change.Bumps {
			now, err := stands(tree, bump.Place)
			if err != nil || now.Version == bump.To {
				return p, err == nil, err
			}
		}
	}
	return gitops.Pipeline{}, false, nil
}

// settling turns a wait for what could still land or deploy into a call for people when
// it has lasted for as long as a deployment may take.
func (b *Bot) settling(r *Run, o Outcome) Outcome {
	limit := r.Stages[r.Stage].Plan.SyncLimit
	if r.Clock.overdue(b.Now(), limit) {
		return call("%s, for %s now: stop it in GitLab, then resume the run, which goes on to put things back", o.Reason, limit).linked(o.Link)
	}
	return o
}

// scoped returns the stages that the way back covers. The one that failed need not be
// the one that was deployed last: its data or a gate before it may have failed.
func (r *Run) scoped() []Stage {
	if r.Scope != ScopeStage || r.Cancel {
		return r.Stages
	}
	at := slices.IndexFunc(r.Stages, func(s Stage) bool { return s.Plan.Environment == r.Cause.Environment })
	if at < 0 {
		at = r.Stage
	}
	return r.Stages[at : at+1]
}

// wayBack plans by value: on the newest commit of each repository that was written, and
// on what each parameter holds now. What was undone since does not come back.
func (b *Bot) wayBack(ctx context.Context, r *Run, past Past) (rollback.Way, map[string]Tree, error) {
	var wrote []gitops.Bump
	r.Unwound = nil
	trees := map[string]Tree{}
	stand := map[gitops.Place]rollback.Standing{}
	for _, s := range r.scoped() {
		if !s.Delivery.wrote() {
			continue
		}
		for _, bump := range s.Delivery.bumps() {
			now, err := b.standing(ctx, r, s.Plan, bump.Place, trees)
			if err != nil {
				return rollback.Way{}, nil, err
			}
			stand[bump.Place] = now
			wrote = append(wrote, r.unwound(past, bump, s.Delivery.Change.When))
		}
	}
	return rollback.Plan(wrote, stand), trees, nil
}

// standing reads what stands at a place of an environment now. The newest tree of a
// repository is read once, into trees, with all that the run wrote there.
func (b *Bot) standing(ctx context.Context, r *Run, p StagePlan, at gitops.Place, trees map[string]Tree) (rollback.Standing, error) {
	if at.Repo != p.Repo {
		now, _, err := b.parameter(ctx, *p.Deploy)
		return now, err
	}
	if trees[at.Repo] == nil {
		tree, err := b.newest(ctx, p, r.wroteIn(at.Repo)...)
		if err != nil {
			return rollback.Standing{}, err
		}
		trees[at.Repo] = tree
	}
	return stands(trees[at.Repo], at)
}

// unwritten returns the services of the deployed stages that named the version before
// the run: they are not the run's to put back, but people must know of them.
func (r *Run) unwritten() []rollback.Left {
	var left []rollback.Left
	for _, stage := range r.scoped() {
		p, d := stage.Plan, &stage.Delivery
		for _, s := range p.Services {
			if _, wrote := d.bump(p.Environment, s); d.wrote() && !wrote {
				at := gitops.Bump{Place: p.Place(s), Environment: p.Environment, Service: s.Name, From: r.Version, To: r.Version}
				left = append(left, rollback.Left{Bump: at, Reason: fmt.Sprintf("it named %s before the run wrote anything", r.Version)})
			}
		}
	}
	return left
}

// deliveries turns the way back into one delivery per repository, which puts the
// parameters of its environments back too, and one per environment that is deployed by
// a parameter alone.
func (b *Bot) deliveries(ctx context.Context, r *Run, way rollback.Way, trees map[string]Tree) ([]Delivery, error) {
	var backs []Delivery
	for _, put := range r.gathered(way.Puts) {
		old := r.unlanded(put.Repo)
		d := Delivery{Change: r.backChange(put, b.Now()), Rebuilt: old.Rebuilt, Behind: old.Behind}
		for _, bump := range put.Bumps {
			if bump.Repo != put.Repo || d.bare() {
				d.Sets = append(d.Sets, bump)
			}
		}
		if tree := trees[put.Repo]; tree != nil && len(d.Change.Bumps) > 0 {
			d.Base, d.Looked = tree.Commit(), tree.Commit()
			var err error
			if d.Head, err = b.commit(ctx, tree, d.Change); err != nil {
				return nil, err
			}
		}
		backs = append(backs, d)
	}
	return backs, nil
}

// gathered joins what goes back in the parameters of environments to what goes back in
// their repositories, if anything does there.
func (r *Run) gathered(puts []rollback.Put) []rollback.Put {
	var joined []rollback.Put
	at := map[string]int{}
	for _, put := range puts {
		home := put.Repo
		if environment, is := strings.CutPrefix(home, parameterRepo); is {
			repo := r.environment(environment).Repo
			if slices.ContainsFunc(puts, func(p rollback.Put) bool { return p.Repo == repo }) {
				home = repo
			}
		}
		i, there := at[home]
		if !there {
			i = len(joined)
			at[home], joined = i, append(joined, rollback.Put{Repo: home})
		}
		joined[i].Bumps = append(joined[i].Bumps, put.Bumps...)
	}
	return joined
}

// unlanded returns the way back into a repository that was planned before and has not
// landed; the zero value without one.
func (r *Run) unlanded(repo string) Delivery {
	for _, d := range r.Backs {
		if d.Change.Repo == repo && d.Landed == "" {
			return d
		}
	}
	return Delivery{}
}

// restored goes on after one repository was put back and verified.
func (b *Bot) restored(ctx context.Context, r *Run) (Outcome, error) {
	if o, left, err := b.tidy(ctx, r.Delivery()); left || err != nil {
		return o, err
	}
	return b.reminded(ctx, r, r.next())
}

// next goes on to the next repository of the way back, or ends the run.
func (r *Run) next() Outcome {
	if r.At+1 < len(r.Backs) {
		r.At++
		return to(Recalled, "%s follows", r.Backs[r.At].Change.Repo)
	}
	return r.verified()
}

// verified ends a run of which nothing is left to put back.
func (r *Run) verified() Outcome {
	if services := r.restoredServices(); services != "" {
		return r.ended("%s put back and verified%s", services, r.leftovers())
	}
	return r.ended("nothing to put back%s", r.leftovers())
}

// ended returns the outcome that ends the way back.
func (r *Run) ended(format string, args ...any) Outcome {
	switch {
	case r.BackCause != nil:
		return to(RollbackFailed, "%s; lane %s is frozen", r.BackCause.Sentence, r.Lane).linked(r.BackCause.Link)
	case r.Cancel:
		return to(Cancelled, format, args...)
	}
	return to(RolledBack, format, args...)
}

// restoredServices counts what was put back: "4 services of int".
func (r *Run) restoredServices() string {
	var parts []string
	for _, d := range r.Backs {
		for _, s := range d.Seen {
			parts = append(parts, fmt.Sprintf("%s of %s", count(len(s.Services), "service"), s.Environment))
		}
	}
	return strings.Join(parts, ", ")
}

// leftovers says what a rollback left alone, as the end of a sentence.
func (r *Run) leftovers() string {
	if len(r.Left) == 0 {
		return ""
	}
	var parts []string
	for _, l := range r.Left {
		parts = append(parts, fmt.Sprintf("%s of %s (%s)", l.Bump.Service, l.Bump.Environment, l.Reason))
	}
	return "; left alone: " + strings.Join(parts, ", ")
}
