package data

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"lockstep/bot"
	"lockstep/gitops"
)

// answerWithin is how long one Read or Write may take where nothing else is said.
const answerWithin = 30 * time.Second

// Parameters reads and writes SSM parameters of any number of accounts and regions.
// It is safe for concurrent use.
//
// The Parameter Store has no compare-and-set. Write comes as near to it as can be:
// it looks, writes, and checks that its version is the one after the version that
// was read.
type Parameters struct {
	Credentials aws.CredentialsProvider // of the process; nil: as the AWS SDK finds them
	Timeout     time.Duration           // of one Read or Write; 30 s when 0

	mu      sync.Mutex
	clients map[access]operations
}

// NewParameters returns Parameters that act as the process's own AWS identity.
func NewParameters() *Parameters { return &Parameters{} }

// Read returns the value of a parameter and the number of its version. Without such
// a parameter the error wraps gitops.ErrNotFound; where it is not a plain String it
// wraps gitops.ErrRefused. Every other error says that nobody could tell.
func (p *Parameters) Read(ctx context.Context, at bot.Parameter) (value string, version int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	client, err := p.client(ctx, at)
	if err != nil {
		return "", 0, fmt.Errorf("read %s: %w", place(at), err)
	}
	value, version, err = look(ctx, client, at)
	if err != nil {
		return "", 0, fmt.Errorf("read %s: %w", place(at), err)
	}
	return value, version, nil
}

// Write sets the value of a parameter, provided that it is still at version expect,
// and returns the number of its new version; expect 0 creates it. A parameter that
// has the value already is not written, and its version is returned: after a lost
// answer Write may be repeated.
//
// The error wraps gitops.ErrConflict where the parameter is at another version.
// Nothing was written then, but for the one case that cannot be excluded: somebody
// wrote between our look and our write, and our value stands on theirs. The error
// says so, and the version of our value is returned with it. It wraps gitops.ErrRefused where a person has to mend the parameter. It
// is never sent twice by itself.
func (p *Parameters) Write(ctx context.Context, at bot.Parameter, value string, expect int64) (version int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	client, err := p.client(ctx, at)
	if err != nil {
		return 0, fmt.Errorf("write %s: %w", place(at), err)
	}
	version, err = write(ctx, client, at, value, expect)
	if err != nil {
		return version, fmt.Errorf("write %s: %w", place(at), err)
	}
	return version, nil
}

// write looks, then writes what is not there yet.
func write(ctx context.Context, client operations, at bot.Parameter, value string, expect int64) (int64, error) {
	found, version, err := look(ctx, client, at)
	switch {
	case errors.Is(err, gitops.ErrNotFound):
		version = 0
	case err != nil:
		return 0, err
	case found == value:
		return version, nil
	}
	if version != expect {
		return 0, fmt.Errorf("it is at version %d and version %d was read: %w", version, expect, gitops.ErrConflict)
	}
	return put(ctx, client, at, value, expect)
}

// look returns value and version of the parameter.
func look(ctx context.Context, client operations, at bot.Parameter) (string, int64, error) {
	out, err := client.get(ctx, &ssm.GetParameterInput{Name: &at.Name})
	var absent *types.ParameterNotFound
	switch {
	case errors.As(err, &absent):
		return "", 0, gitops.ErrNotFound
	case err != nil:
		return "", 0, explain(err)
	case out.Parameter == nil || out.Parameter.Value == nil:
		return "", 0, errors.New("the answer has no value")
	case out.Parameter.Type != types.ParameterTypeString:
		return "", 0, fmt.Errorf("%w: it is a %s; name a parameter of type String, because a data version is no secret and no list", gitops.ErrRefused, out.Parameter.Type)
	}
	return *out.Parameter.Value, out.Parameter.Version, nil
}

// put writes the version after expect.
func put(ctx context.Context, client operations, at bot.Parameter, value string, expect int64) (int64, error) {
	out, err := client.put(ctx, &ssm.PutParameterInput{
		Name:      &at.Name,
		Value:     &value,
		Type:      types.ParameterTypeString,
		Overwrite: aws.Bool(expect > 0),
	}, once)
	// From here a crash is harmless: the next Write finds the value.
	var exists *types.ParameterAlreadyExists
	var full *types.ParameterMaxVersionLimitExceeded
	switch {
	case errors.As(err, &exists):
		return 0, fmt.Errorf("somebody has created it since we looked: %w", gitops.ErrConflict)
	case errors.As(err, &full):
		return 0, fmt.Errorf("%w: %s; its history is full: move or remove the label of the oldest version", gitops.ErrRefused, full.ErrorMessage())
	case err != nil:
		return 0, explain(err)
	case out.Version != expect+1:
		return out.Version, fmt.Errorf("we wrote version %d and expected to write version %d: somebody has written it since we looked, and our value now stands on theirs; see its history: %w",
			out.Version, expect+1, gitops.ErrConflict)
	}
	return out.Version, nil
}

// once sends a write a single time. A repeat by the SDK after a lost answer would
// make a second version; ours looks first.
func once(o *ssm.Options) { o.RetryMaxAttempts = 1 }

// timeout returns how long one Read or Write may take.
func (p *Parameters) timeout() time.Duration {
	if p.Timeout == 0 {
		return answerWithin
	}
	return p.Timeout
}

// operations are what is used of an SSM client. The client itself is in no field: the
// linker would keep all of its operations for whoever might look at it by reflection.
type operations struct {
	get func(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	put func(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
}

// client returns the operations for the region, role and endpoint of a parameter whose
// name is possible. One of each is kept, so that a role is assumed once in its hour.
func (p *Parameters) client(ctx context.Context, at bot.Parameter) (operations, error) {
	if err := checkName(at.Name); err != nil {
		return operations{}, err
	}
	via := access{region: at.Region, endpoint: at.Endpoint, role: at.RoleARN, externalID: at.ExternalID}
	p.mu.Lock()
	defer p.mu.Unlock()
	if client, ok := p.clients[via]; ok {
		return client, nil
	}
	cfg, err := via.config(ctx, p.Credentials)
	if err != nil {
		return operations{}, err
	}
	if p.clients == nil {
		p.clients = map[access]operations{}
	}
	client := ssm.NewFromConfig(cfg)
	p.clients[via] = operations{get: client.GetParameter, put: client.PutParameter}
	return p.clients[via], nil
}
