package data

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"lockstep/bot"
	"lockstep/gitops"
)

// The limits of a parameter's name, of 2048 characters of which AWS wants some for
// its own prefix.
const (
	maxName   = 1011
	maxLevels = 15
)

// nameParts is what a parameter's name may consist of.
var nameParts = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)

// checkName returns why name can be no parameter's, so that it is said before AWS is
// asked.
func checkName(name string) error {
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(name, "/")), "/")
	switch {
	case name == "":
		return errors.New("the name is empty: write one such as /mda/int/data-version")
	case len(name) > maxName:
		return fmt.Errorf("the name has %d characters, and %d are allowed", len(name), maxName)
	case !nameParts.MatchString(name):
		return errors.New("a name consists of letters, digits and . - _ /")
	case strings.HasPrefix(first, "aws"), strings.HasPrefix(first, "ssm"):
		return errors.New(`names that begin with "aws" or "ssm" belong to AWS: begin with another word`)
	case strings.Contains(name, "/") && name[0] != '/':
		return fmt.Errorf("a path begins with a slash: write %q", "/"+name)
	case strings.Contains(name, "//"), strings.HasSuffix(name, "/"):
		return errors.New("a path has no empty parts: write single slashes, and none at the end")
	case strings.Count(name, "/") > maxLevels:
		return fmt.Errorf("the path has %d levels, and %d are allowed", strings.Count(name, "/"), maxLevels)
	}
	return nil
}

// place returns a parameter as errors name it: what, where, as whom.
func place(at bot.Parameter) string {
	s := fmt.Sprintf("parameter %q", at.Name)
	if at.Region != "" {
		s += " in " + at.Region
	}
	if at.RoleARN != "" {
		s += " as " + at.RoleARN
	}
	return s
}

// cures says what an operator can do about a code of AWS.
var cures = map[string]string{
	"AccessDenied":                "let the role's trust policy name that identity, and check the external id",
	"AccessDeniedException":       "grant that identity ssm:GetParameter and ssm:PutParameter on it",
	"ExpiredToken":                "renew the credentials of this process",
	"ExpiredTokenException":       "renew the credentials of this process",
	"InvalidClientTokenId":        "renew the credentials of this process",
	"UnrecognizedClientException": "renew the credentials of this process",
	"InvalidSignatureException":   "check the secret access key and the clock of this machine",
	"SignatureDoesNotMatch":       "check the secret access key and the clock of this machine",
}

// explain returns an error of the SDK as a person reads it: AWS's code and words with
// the cure where there is one, or what kept AWS from answering. Requests, and with
// them credentials, are not in it.
func explain(err error) error {
	var unsent *smithyhttp.RequestSendError
	var refused smithy.APIError
	var answer *smithyhttp.ResponseError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time")
	case errors.As(err, &unsent):
		return fmt.Errorf("no answer: %v", unsent.Err)
	case errors.As(err, &refused):
		return errors.New(words(refused))
	case errors.As(err, &answer) && answer.HTTPStatusCode() != 0:
		return fmt.Errorf("status %d %s instead of an answer of AWS", answer.HTTPStatusCode(), http.StatusText(answer.HTTPStatusCode()))
	}
	return fmt.Errorf("ask AWS: %v", err)
}

// curesS3 says what an operator can do about a code of S3. Those with gitops.ErrRefused
// stay as they are until somebody does.
var curesS3 = map[string]struct {
	cure    string
	refused bool
}{
	"NoSuchBucket":                       {"correct the name of the bucket in the configuration, or create it", true},
	"InvalidBucketName":                  {"correct the name of the bucket in the configuration", true},
	"PermanentRedirect":                  {"set region to that of the bucket", true},
	"MovedPermanently":                   {"set region to that of the bucket", true},
	"AuthorizationHeaderMalformed":       {"set region to that of the bucket", true},
	"IllegalLocationConstraintException": {"set region to that of the bucket", true},
	"InvalidObjectState":                 {"it is archived: restore it", true},
	"InvalidAccessKeyId":                 {"renew the credentials of this process", false},
	"InvalidToken":                       {"renew the credentials of this process", false},
	"ExpiredToken":                       {"renew the credentials of this process", false},
	"RequestTimeTooSkewed":               {"set the clock of this machine", false},
	"SignatureDoesNotMatch":              {"check the secret access key", false},
}

// explainS3 is explain for S3, where a grant cures what is forbidden. What S3's own
// STS call was refused for is explained as that.
func explainS3(err error, grant string) error {
	var refused smithy.APIError
	if !errors.As(err, &refused) || service(err) != "S3" {
		return explain(err)
	}
	text := refused.ErrorCode()
	if said := refused.ErrorMessage(); said != "" && said != text {
		text += ": " + said
	}
	known, ok := curesS3[refused.ErrorCode()]
	switch {
	case status(err) == http.StatusForbidden && !ok:
		return fmt.Errorf("%s (%s)", text, grant)
	case known.refused:
		return fmt.Errorf("%w: %s (%s)", gitops.ErrRefused, text, known.cure)
	case ok:
		return fmt.Errorf("%s (%s)", text, known.cure)
	}
	return errors.New(text)
}

// service returns which service of AWS has refused.
func service(err error) (name string) {
	var op *smithy.OperationError
	for errors.As(err, &op) {
		name, err = op.Service(), op.Unwrap()
	}
	return name
}

// status returns the HTTP status of a refusal; 0 where there was none.
func status(err error) int {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || service(err) != "S3" {
		return 0
	}
	return answer.HTTPStatusCode()
}

// code returns AWS's word for a refusal; "" where there was none.
func code(err error) string {
	var refused smithy.APIError
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.ErrorCode()
}

// words returns what AWS said, and the cure.
func words(refused smithy.APIError) string {
	text := refused.ErrorCode()
	if said := refused.ErrorMessage(); said != "" {
		text += ": " + said
	}
	if cure, ok := cures[refused.ErrorCode()]; ok {
		text += " (" + cure + ")"
	}
	return text
}
