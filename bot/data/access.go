package data

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// sessionName is how our sessions of an assumed role appear in AWS's own log.
const sessionName = "lockstep"

// An access is how AWS is reached: where, and as whom. Empty fields are the process's
// own.
type access struct {
	region, endpoint string
	role, externalID string
}

// config returns how to reach AWS. own is the identity of this process; nil: as the
// AWS SDK finds it.
func (a access) config(ctx context.Context, own aws.CredentialsProvider, options ...func(*config.LoadOptions) error) (aws.Config, error) {
	if a.region != "" {
		options = append(options, config.WithRegion(a.region))
	}
	if a.endpoint != "" {
		options = append(options, config.WithBaseEndpoint(a.endpoint))
	}
	if own != nil {
		options = append(options, config.WithCredentialsProvider(own))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %v", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, errors.New("no AWS region is known: set its region in the configuration, or AWS_REGION")
	}
	if a.role != "" {
		cfg.Credentials = aws.NewCredentialsCache(a.assume(cfg))
	}
	return cfg, nil
}

// assume returns the credentials of the role.
func (a access) assume(cfg aws.Config) aws.CredentialsProvider {
	return stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), a.role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = sessionName
		if a.externalID != "" {
			o.ExternalID = &a.externalID
		}
	})
}
