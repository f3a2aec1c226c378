package data

import (
	"context"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"lockstep/bot"
)

// A page is a part of the list of what lies below a prefix, in the order of the keys.
type page struct {
	objects []object // but for the empty ones that consoles make for folders
	last    string   // the last key of the page, below the prefix; "" in an empty one
	more    bool     // there are more behind it
}

// page lists what is behind a key, up to most objects.
func (s *side) page(ctx context.Context, after string, most int32) (page, error) {
	in := &s3.ListObjectsV2Input{Bucket: &s.Name, Prefix: &s.Prefix, EncodingType: types.EncodingTypeUrl, MaxKeys: &most}
	if after != "" {
		in.StartAfter = aws.String(s.Prefix + after)
	}
	out, err := asked(ctx, s, s.list, in, 0)
	if err != nil {
		return page{}, s.fail("list", "", grantList, err)
	}
	p := page{more: aws.ToBool(out.IsTruncated)}
	for _, o := range out.Contents {
		key := aws.ToString(o.Key)
		if out.EncodingType == types.EncodingTypeUrl {
			if decoded, err := url.QueryUnescape(key); err == nil {
				key = decoded
			}
		}
		p.last = strings.TrimPrefix(key, s.Prefix)
		if size := aws.ToInt64(o.Size); size > 0 || !strings.HasSuffix(key, "/") {
			p.objects = append(p.objects, object{key: p.last, size: size, at: p.last})
		}
	}
	return p, nil
}

// mostKeys is how many objects S3 lists in one answer.
const mostKeys = 1000

// pages lists what lies below the prefix behind the cursor, until the end or until the
// time is over. It advances the cursor with each page, and reports whether it has come
// to the end.
func (s *pass) pages(ctx context.Context, each func(object) error) (all bool, err error) {
	for {
		p, err := s.from.page(ctx, s.At, mostKeys)
		if err != nil {
			return false, err
		}
		for _, o := range p.objects {
			if err := each(o); err != nil {
				return false, err
			}
		}
		if p.last != "" {
			s.At, s.moved = p.last, true
		}
		switch {
		case p.last == "" || !p.more:
			return true, nil
		case s.over():
			return false, nil
		}
	}
}

// rule returns what makes a version without a manifest complete.
func (s *pass) rule() bot.ListingRule {
	if s.set.Listing == nil {
		return bot.ListingRule{Objects: 1}
	}
	return *s.set.Listing
}

// counted lists a version without a manifest, and holds it against its rule.
func (s *pass) counted(ctx context.Context) (all bool, err error) {
	all, err = s.pages(ctx, func(o object) error {
		s.Found.count(o.size)
		return nil
	})
	if !all || err != nil {
		return false, err
	}
	rule := s.rule()
	switch {
	case s.Found.Objects == 0:
		return false, problemf("there is nothing below %s: publish the version, or check its name", s.from.place(""))
	case s.Found.Objects < int64(rule.Objects):
		return false, problemf("%s has %d objects, and %d are wanted at least: publish the rest", s.from.place(""), s.Found.Objects, rule.Objects)
	}
	for _, key := range rule.Keys {
		if _, err := s.needed(ctx, key); err != nil {
			return false, err
		}
	}
	s.progress.TotalObjects, s.progress.TotalBytes = s.Found.Objects, s.Found.Bytes
	return true, nil
}

// others yields the objects behind the cursor of a version without a manifest, but for
// those that its rule names: they come last.
func (s *pass) others(ctx context.Context) iter.Seq2[object, error] {
	rule := s.rule()
	return func(yield func(object, error) bool) {
		for after, more := s.At, true; more; {
			p, err := s.from.page(ctx, after, mostKeys)
			if err != nil {
				yield(object{}, err)
				return
			}
			for _, o := range p.objects {
				if !slices.Contains(rule.Keys, o.key) && !yield(o, nil) {
					return
				}
			}
			after, more = p.last, p.more && p.last != ""
		}
	}
}
