package data

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/fixtures"
	"lockstep/gitops"
)

const (
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	name      = "/mda/int/data-version"
	deployer  = "arn:aws:iam::222222222222:role/deploy"
)

// newAWS starts an AWS of the test's own and returns the parameter in it.
func newAWS(t *testing.T) (*fixtures.AWS, bot.Parameter) {
	t.Helper()
	aws := fixtures.NewAWS(nil)
	t.Cleanup(aws.Close)
	return aws, bot.Parameter{Name: name, Region: "eu-central-1", Endpoint: aws.URL()}
}

// firstCall breaks the first call with fault and lets all others pass. A call that is
// held is given up by its sender.
func firstCall(fault fixtures.Fault, giveUp func()) func(fixtures.Call) fixtures.Fault {
	return func(c fixtures.Call) fixtures.Fault {
		if c.N > 1 {
			return fixtures.Pass
		}
		if fault == fixtures.Hold {
			giveUp()
		}
		return fault
	}
}

// history returns the versions and values of the parameter, such as "1=a 2=b".
func history(aws *fixtures.AWS, account string) string {
	var all []string
	for _, v := range aws.History(account, name) {
		all = append(all, fmt.Sprintf("%d=%s", v.Version, v.Value))
	}
	return strings.Join(all, " ")
}

func TestRead(t *testing.T) {
	t.Parallel()
	aws, at := newAWS(t)
	p := NewParameters()
	_, _, err := p.Read(t.Context(), at)
	if !errors.Is(err, gitops.ErrNotFound) {
		t.Fatalf("absent: got %v, want ErrNotFound", err)
	}
	if want := `read parameter "/mda/int/data-version" in eu-central-1: not found`; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	aws.Put(fixtures.DefaultAccount, name, "2026.10.1")
	aws.Put(fixtures.DefaultAccount, name, "2026.11.3")
	value, version, err := p.Read(t.Context(), at)
	if value != "2026.11.3" || version != 2 || err != nil {
		t.Errorf("got %q at version %d, %v, want %q at version 2", value, version, err, "2026.11.3")
	}
}

func TestReadIsRepeatedWhenThrottled(t *testing.T) {
	t.Parallel()
	aws, at := newAWS(t)
	aws.Put(fixtures.DefaultAccount, name, "1")
	aws.Throttle(1)
	if value, _, err := NewParameters().Read(t.Context(), at); value != "1" || err != nil {
		t.Errorf("got %q, %v, want %q", value, err, "1")
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		before  []string // values that stand there, one version each
		value   string
		expect  int64
		version int64
		err     error
		want    string // history afterwards
		calls   int
	}{
		{"create", nil, "1", 0, 1, nil, "1=1", 1},
		{"next", []string{"1"}, "2", 1, 2, nil, "1=1 2=2", 1},
		{"back", []string{"1", "2"}, "1", 2, 3, nil, "1=1 2=2 3=1", 1},
		{"there already", []string{"1", "2"}, "2", 1, 2, nil, "1=1 2=2", 0},
		{"created by somebody", []string{"1"}, "2", 0, 0, gitops.ErrConflict, "1=1", 0},
		{"written by somebody", []string{"1", "3"}, "2", 1, 0, gitops.ErrConflict, "1=1 2=3", 0},
		{"gone", nil, "2", 1, 0, gitops.ErrConflict, "", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			aws, at := newAWS(t)
			for _, value := range test.before {
				aws.Put(fixtures.DefaultAccount, name, value)
			}
			version, err := NewParameters().Write(t.Context(), at, test.value, test.expect)
			if version != test.version || !errors.Is(err, test.err) {
				t.Errorf("got version %d, %v, want %d, %v", version, err, test.version, test.err)
			}
			if got := history(aws, fixtures.DefaultAccount); got != test.want {
				t.Errorf("history: got %q, want %q", got, test.want)
			}
			if got := len(aws.Journal.Calls()); got != test.calls {
				t.Errorf("got %d calls, want %d", got, test.calls)
			}
		})
	}
}

func TestWriteLosesRace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		before  []string
		expect  int64
		version int64  // that our value became
		want    string // in the error
		stands  string // history afterwards
	}{
		{"overwrites", []string{"1"}, 1, 3, "we wrote version 3 and expected to write version 2", "1=1 2=theirs 3=ours"},
		{"creates", nil, 0, 0, "somebody has created it since we looked", "1=theirs"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			aws, at := newAWS(t)
			for _, value := range test.before {
				aws.Put(fixtures.DefaultAccount, name, value)
			}
			aws.Journal.Break(func(fixtures.Call) fixtures.Fault {
				aws.Put(fixtures.DefaultAccount, name, "theirs") // between our look and our write
				return fixtures.Pass
			}, nil)
			version, err := NewParameters().Write(t.Context(), at, "ours", test.expect)
			if version != test.version || !errors.Is(err, gitops.ErrConflict) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got version %d, %v, want %d, ErrConflict with %q", version, err, test.version, test.want)
			}
			if got := history(aws, fixtures.DefaultAccount); got != test.stands {
				t.Errorf("history: got %q, want %q", got, test.stands)
			}
		})
	}
}

func TestWriteBrokenTwice(t *testing.T) {
	t.Parallel()
	faults := []struct {
		fault fixtures.Fault
		want  string
	}{
		{fixtures.Cut, "no answer: "},
		{fixtures.Hold, "context canceled"},
		{fixtures.BadGateway, "status 502 Bad Gateway instead of an answer of AWS"},
		{fixtures.TooMany, "status 429 Too Many Requests instead of an answer of AWS"},
		{fixtures.Refuse, "403 Forbidden"},
	}
	for _, broken := range faults {
		for _, effect := range []string{"lost", "done"} {
			t.Run(string(broken.fault)+" "+effect, func(t *testing.T) {
				t.Parallel()
				aws, at := newAWS(t)
				aws.Put(fixtures.DefaultAccount, name, "1")
				ctx, giveUp := context.WithCancel(t.Context())
				defer giveUp()
				if effect == "lost" {
					aws.Journal.Break(firstCall(broken.fault, giveUp), nil)
				} else {
					aws.Journal.Break(nil, firstCall(broken.fault, giveUp))
				}
				p := NewParameters()
				_, err := p.Write(ctx, at, "2", 1)
				switch {
				case err == nil:
					t.Fatal("the broken write: got no error")
				case !strings.Contains(err.Error(), broken.want):
					t.Errorf("the broken write: got %v, want %q", err, broken.want)
				case errors.Is(err, gitops.ErrConflict) || errors.Is(err, gitops.ErrRefused):
					t.Errorf("the broken write: got %v, want an error that decides nothing", err)
				}
				if got := len(aws.Journal.Calls()); got != 1 {
					t.Errorf("the broken write: got %d calls, want 1", got)
				}
				p = NewParameters() // as after a crash
				version, err := p.Write(t.Context(), at, "2", 1)
				if version != 2 || err != nil {
					t.Errorf("repeat: got version %d, %v, want 2", version, err)
				}
				if got, want := history(aws, fixtures.DefaultAccount), "1=1 2=2"; got != want {
					t.Errorf("history: got %q, want %q", got, want)
				}
			})
		}
	}
}

func TestWriteIsNotRepeatedWhenThrottled(t *testing.T) {
	t.Parallel()
	aws, at := newAWS(t)
	aws.Put(fixtures.DefaultAccount, name, "1")
	aws.Journal.Break(func(fixtures.Call) fixtures.Fault {
		aws.Throttle(1)
		return fixtures.Pass
	}, nil)
	_, err := NewParameters().Write(t.Context(), at, "2", 1)
	if want := `write parameter "/mda/int/data-version" in eu-central-1: ThrottlingException: Rate exceeded`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if got := len(aws.Journal.Calls()); got != 1 {
		t.Errorf("got %d calls, want 1", got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(t *testing.T, aws *fixtures.AWS, at *bot.Parameter)
		refused bool // a person has to mend the parameter
		want    string
	}{
		{"no right", func(_ *testing.T, aws *fixtures.AWS, _ *bot.Parameter) {
			aws.Deny(fixtures.DefaultAccount, "ssm:PutParameter")
		}, false, "(grant that identity ssm:GetParameter and ssm:PutParameter on it)"},
		{"role refused", func(_ *testing.T, aws *fixtures.AWS, at *bot.Parameter) {
			aws.RequireExternalID(deployer, "lockstep")
			at.RoleARN = deployer
		}, false, "is not authorized to perform: sts:AssumeRole on resource: " + deployer + " (let the role's trust policy"},
		{"full history", func(t *testing.T, aws *fixtures.AWS, at *bot.Parameter) {
			for i := range 100 {
				aws.Put(fixtures.DefaultAccount, name, fmt.Sprint(i))
			}
			aws.Label(fixtures.DefaultAccount, name, 2, "good")
		}, true, "move or remove the label of the oldest version"},
		{"bad name", func(_ *testing.T, _ *fixtures.AWS, at *bot.Parameter) {
			at.Name = "mda/int"
		}, false, `a path begins with a slash: write "/mda/int"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			aws, at := newAWS(t)
			aws.Put(fixtures.DefaultAccount, name, "1")
			test.prepare(t, aws, &at)
			_, expect, _ := aws.Parameter(fixtures.DefaultAccount, name)
			_, err := NewParameters().Write(t.Context(), at, "2", expect)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if got := errors.Is(err, gitops.ErrRefused); got != test.refused {
				t.Errorf("ErrRefused: got %t, want %t: %v", got, test.refused, err)
			}
			for _, secret := range []string{secretKey, "Authorization", "Signature="} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows %s: %v", secret, err)
				}
			}
			if value, _, _ := aws.Parameter(fixtures.DefaultAccount, name); value == "2" {
				t.Error("the value was written")
			}
		})
	}
}

func TestOtherTypesAreRefused(t *testing.T) {
	t.Parallel()
	aws, at := newAWS(t)
	aws.PutSecure(fixtures.DefaultAccount, name, "hunter2")
	p := NewParameters()
	_, _, read := p.Read(t.Context(), at)
	_, write := p.Write(t.Context(), at, "2", 1)
	for _, err := range []error{read, write} {
		if !errors.Is(err, gitops.ErrRefused) || !strings.Contains(err.Error(), "it is a SecureString") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v, want a refusal of the SecureString", err)
		}
	}
}

func TestRoleSwitchesAccount(t *testing.T) {
	t.Parallel()
	aws, at := newAWS(t)
	aws.Put(fixtures.DefaultAccount, name, "1")
	aws.RequireExternalID(deployer, "lockstep-1")
	there := at
	there.RoleARN, there.ExternalID = deployer, "lockstep-1"
	p := NewParameters()
	if _, err := p.Write(t.Context(), there, "7", 0); err != nil {
		t.Fatal(err)
	}
	for want, at := range map[string]bot.Parameter{"1": at, "7": there} {
		if value, _, err := p.Read(t.Context(), at); value != want || err != nil {
			t.Errorf("as %q: got %q, %v, want %q", at.RoleARN, value, err, want)
		}
	}
	if got, want := history(aws, "222222222222"), "1=7"; got != want {
		t.Errorf("account of the role: got %q, want %q", got, want)
	}
	if got := len(p.clients); got != 2 {
		t.Errorf("got %d clients, want 2", got)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	aws, at := newAWS(t)
	aws.Close() // nobody listens: the SDK would go on trying
	p := &Parameters{Timeout: 20 * time.Millisecond}
	if _, _, err := p.Read(t.Context(), at); err == nil || errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("got %v, want an error that says nobody could tell", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, want string }{
		{"/mda/int/data-version", ""},
		{"data-version", ""},
		{"/mda", ""},
		{strings.Repeat("/a", 15), ""},
		{"", "the name is empty"},
		{"/a b", "letters, digits"},
		{"/mda/ä", "letters, digits"},
		{"/mda:3", "letters, digits"},
		{"/AWS/x", "belong to AWS"},
		{"ssm-x", "belong to AWS"},
		{"mda/int", `write "/mda/int"`},
		{"/mda//int", "no empty parts"},
		{"/mda/", "no empty parts"},
		{"/", "no empty parts"},
		{strings.Repeat("/a", 16), "16 levels"},
		{strings.Repeat("a", 1012), "1012 characters"},
	}
	for _, test := range tests {
		got := ""
		if err := checkName(test.name); err != nil {
			got = err.Error()
		}
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%.40q: got %q, want %q", test.name, got, test.want)
		}
	}
}
