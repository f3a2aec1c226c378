package data

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"lockstep/bot"
	"lockstep/gitops"
)

// placeholder stands for the version in the prefix of a bucket.
const placeholder = "{version}"

// maxVersions is how many versions Versions lists: ten requests.
const maxVersions = 10 * mostKeys

// Versions returns what stands for {version} in the prefix of a bucket, wherever there is
// anything below it, in the order of the keys. More than 10,000 are an error that wraps
// gitops.ErrRefused.
func (p *Packages) Versions(ctx context.Context, in bot.Bucket) ([]string, error) {
	s, err := p.side(ctx, in)
	if err != nil {
		return nil, err
	}
	before, after, _ := strings.Cut(in.Prefix, placeholder)
	end, _, _ := strings.Cut(after, "/") // the prefix ends in one
	var all []string
	for from := ""; ; {
		parts, next, err := s.folders(ctx, before, from)
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			if v, ok := strings.CutSuffix(part, end); ok && v != "" {
				all = append(all, v)
			}
		}
		switch from = next; {
		case from == "":
			return all, nil
		case len(all) >= maxVersions:
			return nil, fmt.Errorf("list %s: there are more than %d versions: remove old ones, or let something else announce new ones: %w", s.place(""), maxVersions, gitops.ErrRefused)
		}
	}
}

// folders lists what follows a prefix up to the next slash, behind what next was before;
// next is "" at the end.
func (s *side) folders(ctx context.Context, prefix, from string) (parts []string, next string, err error) {
	in := &s3.ListObjectsV2Input{
		Bucket: &s.Name, Prefix: &prefix, Delimiter: aws.String("/"), EncodingType: types.EncodingTypeUrl, MaxKeys: aws.Int32(mostKeys),
	}
	if from != "" {
		in.ContinuationToken = &from
	}
	out, err := asked(ctx, s, s.list, in, 0)
	if err != nil {
		return nil, "", s.fail("list", "", grantList, err)
	}
	for _, common := range out.CommonPrefixes {
		text := aws.ToString(common.Prefix)
		if out.EncodingType == types.EncodingTypeUrl {
			if decoded, err := url.QueryUnescape(text); err == nil {
				text = decoded
			}
		}
		parts = append(parts, strings.TrimSuffix(strings.TrimPrefix(text, prefix), "/"))
	}
	if !aws.ToBool(out.IsTruncated) {
		return parts, "", nil
	}
	if next = aws.ToString(out.NextContinuationToken); next == "" {
		return nil, "", fmt.Errorf("list %s: the answer says that there is more, and not where", s.place(""))
	}
	return parts, next, nil
}

// Published says what speaks against a version by its manifest and the list of its objects,
// or by its rule; "" when it is complete. No object but the manifest is read: what they
// hold is for Check to prove.
func (p *Packages) Published(ctx context.Context, set bot.DataSet) (lack string, err error) {
	s, err := p.begin(ctx, set, nil, bot.Progress{})
	if err != nil {
		return "", err
	}
	for err == nil && s.Phase != listed && !s.progress.Done {
		err = s.check(ctx)
	}
	var no problem
	switch {
	case errors.As(err, &no):
		return string(no), nil
	case errors.Is(err, errReplaced):
		return "it is being replaced", nil
	}
	return "", err
}
