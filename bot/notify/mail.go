package notify

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"lockstep/bot"
)

// A Mail sends mail by SMTP. The mails of a run are one thread. Each has a Message-ID
// made from our id, by which many mailboxes drop a repeat; for those that do not, a
// mail whose answer was lost is sent again and says "(repeat)" in its subject.
type Mail struct {
	Server   string // name and port: "smtp.example.com:587"
	TLS      string // "starttls" (it must be), "implicit" or "none"
	User     bot.Secret
	Password bot.Secret // empty: nobody logs in
	From     string
	To       []string

	Roots *tls.Config      // who is believed; nil: those whom the machine believes
	Now   func() time.Time // time.Now when nil
}

// mailWait is how long one answer of the mail server is waited for.
const mailWait = 15 * time.Second

// Send implements Channel.
func (c *Mail) Send(ctx context.Context, m bot.Message, t Text, repeat bool) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	message, err := c.newMail(m, t.marked(repeat), now())
	if err != nil {
		return err
	}
	if err := client.DialAndSendWithContext(ctx, message); err != nil {
		return fmt.Errorf("mail: %v", err)
	}
	return nil
}

// Reach implements Reacher: the server is there, encrypts, and knows the user.
func (c *Mail) Reach(ctx context.Context) (string, error) {
	client, err := c.client()
	if err != nil {
		return "", err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return "", fmt.Errorf("mail: %v", err)
	}
	if err := client.Close(); err != nil {
		return "", fmt.Errorf("mail: %v", err)
	}
	if c.Password.Reveal() == "" {
		return fmt.Sprintf("mail server %s answers", c.Server), nil
	}
	return fmt.Sprintf("mail server %s answers and knows the user", c.Server), nil
}

// client returns a client for one connection.
func (c *Mail) client() (*mail.Client, error) {
	host, number, err := net.SplitHostPort(c.Server)
	if err != nil {
		return nil, fmt.Errorf("mail server %q: %w", c.Server, err)
	}
	port, err := strconv.Atoi(number)
	if err != nil {
		return nil, fmt.Errorf("mail server %q: %w", c.Server, err)
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(mailWait), mail.WithTLSPolicy(mail.TLSMandatory)}
	switch c.TLS {
	case "implicit":
		options = append(options, mail.WithSSL())
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if c.Roots != nil {
		config := c.Roots.Clone()
		config.ServerName = host
		options = append(options, mail.WithTLSConfig(config))
	}
	if c.Password.Reveal() != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(c.User.Reveal()), mail.WithPassword(c.Password.Reveal()))
	}
	client, err := mail.NewClient(host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail server %q: %w", c.Server, err)
	}
	return client, nil
}
