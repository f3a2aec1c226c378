package data

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lockstep/fixtures"
	"lockstep/gitops"
)

// What S3 or STS refuse is an error with its cure, never a problem of the version.
func TestRefusalsOfS3(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(d simulated)
		refused bool   // asking again does not help
		check   string // in the error of a check; "": it ends well
		copy    string // the same of a copy
	}{
		{"no policy for the reader", func(d simulated) {
			d.aws.Bucket("333333333333", "foreign")
			d.preview.Name = "foreign"
		}, false, "s3://foreign/mda/2026.11.0/manifest.json: AccessDenied: ", "(grant that identity s3:GetObject and s3:ListBucket there, and where the bucket belongs to another account in its policy too)"},
		{"no policy for the copier", func(d simulated) {
			d.aws.Deny(liveAccount, "s3:GetObject")
		}, false, "", "as " + liveRole + ": Forbidden"},
		{"no right to write", func(d simulated) {
			d.aws.Deny(liveAccount, "s3:PutObject")
		}, false, "", "(grant that identity s3:GetObject on s3://mda-preview, in the policy of that bucket too where it belongs to another account, and s3:PutObject on s3://mda-live)"},
		{"no right to list", func(d simulated) {
			d.aws.Deny(fixtures.DefaultAccount, "s3:ListBucket")
		}, false, "list s3://mda-preview/mda/2026.11.0/: AccessDenied: ", ""},
		{"wrong external id", func(d simulated) { d.live.ExternalID = "other" }, false, "", "(let the role's trust policy name that identity, and check the external id)"},
		{"no such bucket", func(d simulated) { d.preview.Name = "gone" }, true, "NoSuchBucket: ", "(correct the name of the bucket in the configuration, or create it)"},
		{"no such bucket to copy into", func(d simulated) { d.live.Name = "gone" }, true, "", "NoSuchBucket: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newDepot(t)
			set := d.publish(some)
			test.prepare(d)
			set.Bucket = d.preview
			for want, do := range map[string]step{"check " + test.check: checking(d.packages, set), "copy " + test.copy: copying(d.packages, set, d.live)} {
				kind, want, _ := strings.Cut(want, " ")
				p, err := follow(t, do)
				switch {
				case want == "" && (err != nil || !p.Done):
					t.Errorf("%s: got %+v, %v, want the end", kind, p, err)
				case want == "":
				case err == nil || !strings.Contains(err.Error(), want) || p.Problem != "":
					t.Errorf("%s: got %+v, %v\nwant %s", kind, p, err, want)
				case errors.Is(err, gitops.ErrRefused) != test.refused:
					t.Errorf("%s: ErrRefused: got %t: %v", kind, !test.refused, err)
				}
				for _, secret := range []string{secretKey, "Authorization", "Signature="} {
					if err != nil && strings.Contains(err.Error(), secret) {
						t.Errorf("the error shows %s: %v", secret, err)
					}
				}
			}
			if got := d.aws.Objects("mda-live"); test.copy != "" && len(got) != 0 {
				t.Errorf("something was copied: %v", got)
			}
		})
	}
}

// The policy that was missing is given while it is asked again.
func TestPolicyIsGiven(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	set := d.publish(some)
	other := d.live
	other.RoleARN, other.ExternalID = "arn:aws:iam::333333333333:role/lockstep", ""
	d.aws.Allow(d.live.Name, "333333333333", "s3:GetObject", "s3:ListBucket", "s3:PutObject")
	want := "copy s3://mda-preview/mda/2026.11.0/"
	if _, err := follow(t, copying(d.packages, set, other)); err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want %s…", err, want)
	}
	d.aws.Allow(d.preview.Name, "333333333333", "s3:GetObject", "s3:ListBucket")
	finish(t, copying(d.packages, set, other))
	d.differs(t, d.live, wanted(some))
}

func TestOutage(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	set := d.publish(some)
	d.aws.Close()
	packages := func() *Packages { return &Packages{Timeout: 20 * time.Millisecond} }
	for _, do := range []step{checking(packages, set), copying(packages, set, d.live)} {
		p, err := follow(t, do)
		if err == nil || p.Problem != "" || errors.Is(err, gitops.ErrRefused) || errors.Is(err, gitops.ErrNotFound) {
			t.Errorf("got %+v, %v, want an error that says nobody could tell", p, err)
		}
	}
}

func TestClientsAreShared(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	set := d.publish(some)
	p := &Packages{}
	packages := func() *Packages { return p }
	finish(t, checking(packages, set))
	finish(t, copying(packages, set, d.live))
	if got := len(p.calls); got != 2 {
		t.Errorf("got %d sets of calls, want one for each access", got)
	}
}
