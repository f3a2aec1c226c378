package data

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"lockstep/bot"
)

// What holds where the fields of Packages say nothing else.
const (
	workFor    = 3 * time.Second
	atOnce     = 64
	wholeUpTo  = 5 << 30   // what S3 copies in one request
	partOf     = 512 << 20 // a part of that size takes S3 some seconds
	maxParts   = 10_000    // what S3 puts together
	copiesWith = 16 << 20  // bytes a second that S3 copies at least
)

// Packages looks after the versions of data packages in the buckets of any number of
// accounts and regions. The zero value works. It is safe for concurrent use.
type Packages struct {
	Credentials aws.CredentialsProvider // of the process; nil: as the AWS SDK finds them
	Now         func() time.Time        // nil: time.Now
	Work        time.Duration           // how long one Check or Copy begins something new; 3 s when 0
	Timeout     time.Duration           // of one request, besides what S3 copies in it; 30 s when 0
	Concurrency int                     // requests at once, over all calls; 64 when 0
	Whole       int64                   // a larger object is copied in parts; 5 GiB when 0
	Part        int64                   // size of a part; 512 MiB when 0

	mu    sync.Mutex
	calls map[access]calls
	slots chan struct{} // one taken for each request
}

// Check proves that set is there and complete. With a manifest that is: every object
// that it names has the size and the SHA-256 that it names, and nothing else lies
// below the prefix. An object too many is a problem, because the services of the
// bucket that is published in would find it when they list the version and those of
// the bucket that is copied into would not: what was tested is not what is released.
// The empty objects that consoles make for folders do not count.
//
// Check goes on from where progress has come. What it cannot tell is an error, unless
// it has come further before that: then the next call will meet it again.
func (p *Packages) Check(ctx context.Context, set bot.DataSet, progress bot.Progress) (bot.Progress, error) {
	s, err := p.begin(ctx, set, nil, progress)
	if err != nil {
		return progress, err
	}
	return s.run(ctx, s.check)
}

// Copy copies what set consists of into to, within S3, as the identity of to. The
// manifest, or the objects that a listing rule names, come last: who finds them finds
// a complete version. What is there already with the same size and checksum is done,
// and what is different is a problem. Other objects at the destination are left alone.
//
// Every copy is compared by checksum afterwards: by the SHA-256 that S3 computes while
// it copies, for an object in parts by the CRC-64 of both, else by reading it. Where a
// source has no SHA-256 that S3 could be asked for, a copy of something else is found
// only then; it is a problem too, and stays where it is: nothing is ever deleted.
//
// Copy goes on as Check does.
func (p *Packages) Copy(ctx context.Context, set bot.DataSet, to bot.Bucket, progress bot.Progress) (bot.Progress, error) {
	s, err := p.begin(ctx, set, &to, progress)
	if err != nil {
		return progress, err
	}
	return s.run(ctx, s.copy)
}

// begin returns the pass that progress has come to.
func (p *Packages) begin(ctx context.Context, set bot.DataSet, to *bot.Bucket, progress bot.Progress) (*pass, error) {
	s := &pass{Packages: p, set: set, progress: progress, ends: time.Now().Add(p.work())}
	s.restore()
	var err error
	if s.from, err = p.side(ctx, set.Bucket); err != nil {
		return nil, err
	}
	if to == nil {
		return s, nil
	}
	s.to, err = p.side(ctx, *to)
	return s, err
}

func (p *Packages) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}

func (p *Packages) work() time.Duration    { return cmp.Or(p.Work, workFor) }
func (p *Packages) timeout() time.Duration { return cmp.Or(p.Timeout, answerWithin) }
func (p *Packages) concurrency() int       { return cmp.Or(p.Concurrency, atOnce) }
func (p *Packages) whole() int64           { return cmp.Or(p.Whole, wholeUpTo) }

// part returns the size of the parts of an object: larger than usual where there would
// be more of them than S3 puts together.
func (p *Packages) part(size int64) int64 {
	return max(cmp.Or(p.Part, partOf), (size+maxParts-1)/maxParts)
}
