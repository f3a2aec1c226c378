package bot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
)

// check goes on with the proof that the version is there and complete. Nothing was
// changed yet, so a version that is not is refused.
func (b *Bot) check(ctx context.Context, r *Run, set DataSet) (Outcome, error) {
	p, err := b.Data.Check(ctx, set, r.Whole)
	if err != nil {
		return Outcome{}, fmt.Errorf("check %s in %s: %w", r.Version, set.Bucket.Purpose, err)
	}
	switch r.Whole = p; {
	case p.Problem != "":
		return r.refused(refusal(p.Problem)), nil
	case p.Done:
		return again("%s is complete in %s: %s", r.Version, set.Bucket.Purpose, p.passed()), nil
	}
	return again("checking %s in %s: %s", r.Version, set.Bucket.Purpose, p.sentence(b.Now())), nil
}

// complete says what the check found, as the end of a sentence.
func (r *Run) complete() string {
	if r.Data == nil {
		return ""
	}
	return fmt.Sprintf("; complete in %s: %s", r.Data.Bucket.Purpose, r.Whole.passed())
}

// supplies reports that the version is copied for stage i: the first that reads from
// another bucket than the one in which the version is published.
func (r *Run) supplies(i int) bool {
	to := r.Stages[i].Plan.Bucket
	if r.Data == nil || to == nil || *to == r.Data.Bucket {
		return false
	}
	return !slices.ContainsFunc(r.Stages[:i], func(s Stage) bool { return s.Plan.Bucket != nil && *s.Plan.Bucket == *to })
}

// supply goes on with the copy of the version into the bucket of stage i.
func (b *Bot) supply(ctx context.Context, r *Run, i int) (Outcome, error) {
	s := &r.Stages[i]
	from, into := r.Data.Bucket.Purpose, s.Plan.Bucket.Purpose
	p, err := b.Data.Copy(ctx, *r.Data, *s.Plan.Bucket, s.Supply)
	if err != nil {
		return Outcome{}, fmt.Errorf("copy %s from %s to %s: %w", r.Version, from, into, err)
	}
	switch s.Supply = p; {
	case p.Problem != "":
		sentence := fmt.Sprintf("%s cannot be copied from %s to %s: %s", r.Version, from, into, p.Problem)
		return r.fail(Cause{Sentence: sentence, Environment: s.Plan.Environment}), nil
	case !p.Done:
		return again("copying %s from %s to %s: %s", r.Version, from, into, p.sentence(b.Now())), nil
	}
	r.Stage = i
	return to(Supplied, "%s is in %s, copied from %s and verified: %s", r.Version, into, from, p.passed()), nil
}

// passed says what a pass has gone through: "10,000 objects, 4.0 GB".
func (p Progress) passed() string {
	return fmt.Sprintf("%s object%s, %s", humanize.Comma(p.Objects), plural(p.Objects), humanize.Bytes(uint64(p.Bytes)))
}

// sentence says how far a pass has come: "3,000 of 10,000 objects, 1.2 GB of 4.0 GB, 80
// MB/s, about 35s left".
func (p Progress) sentence(now time.Time) string {
	if p.TotalObjects == 0 {
		return p.passed() + " so far"
	}
	text := fmt.Sprintf("%s of %s objects, %s of %s", humanize.Comma(p.Objects), humanize.Comma(p.TotalObjects), humanize.Bytes(uint64(p.Bytes)), humanize.Bytes(uint64(p.TotalBytes)))
	took := now.Sub(p.Began)
	if took < time.Second || p.Objects == 0 {
		return text
	}
	text += fmt.Sprintf(", %s/s", humanize.Bytes(uint64(float64(p.Bytes)/took.Seconds())))
	done := float64(p.Objects) / float64(p.TotalObjects)
	if p.TotalBytes > 0 { // large objects take longer than small ones, and each takes its own time
		done = (done + float64(p.Bytes)/float64(p.TotalBytes)) / 2
	}
	left := time.Duration(float64(took) * (1 - done) / done)
	return text + fmt.Sprintf(", about %s left", left.Round(time.Second))
}

// plural returns the ending of a noun of which there are n.
func plural(n int64) string {
	if n == 1 {
		return ""
	}
	return "s"
}
