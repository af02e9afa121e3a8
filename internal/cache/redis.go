// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	defaultPrefix  = "rastau:"
	defaultTimeout = 200 * time.Millisecond

	// maxValue bounds a value in bytes. What is larger is not shared: a read of it would outlast the timeout, and the breaker
	// would take that for a server that hangs. It also bounds what an intruder's value can cost.
	maxValue = 32 << 20
)

// RedisOptions of NewRedis.
type RedisOptions struct {
	// URL is redis://[user:password@]host:port/db, or rediss:// with TLS. Required. In its query, addr= once or more names
	// further nodes of a cluster; master_name= makes it Sentinel's.
	URL string
	// Prefix of every key. Optional. If empty, "rastau:".
	Prefix string
	// Timeout of every dial, read and write. Optional. If zero, 200 ms.
	Timeout time.Duration
	// Log is told when Redis goes and when it is back. Optional. If nil, silent.
	Log *slog.Logger
	// Now is the clock of the breaker. Optional. If nil, time.Now.
	Now func() time.Time
}

// Redis is a Store over redis.UniversalClient, shared by several processes. Make it with NewRedis.
type Redis struct {
	client  redis.UniversalClient
	prefix  string
	timeout time.Duration
	breaker *breaker
	log     *slog.Logger

	hits, misses, failures atomic.Int64
}

var _ Store = (*Redis)(nil)

// NewRedis connects lazily: the error is of the URL, never of the server. A breaker answers ErrDown at once for a while
// after failures. Close when done.
func NewRedis(o RedisOptions) (*Redis, error) {
	if o.Prefix == "" {
		o.Prefix = defaultPrefix
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	hush()
	client, err := connect(o.URL, o.Timeout)
	if err != nil {
		return nil, err
	}
	return &Redis{client: client, prefix: o.Prefix, timeout: o.Timeout, breaker: &breaker{now: o.Now}, log: o.Log}, nil
}

// hush keeps the library from writing to stderr by itself, once for each failed dial: errors come back to the caller, and
// the log is told of the change. The library has this switch for the whole process only.
var hush = sync.OnceFunc(func() { redis.SetLogger(silence{}) })

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// connect makes the client of the kind that the URL asks for. The library's own defaults wait for seconds, try again five
// times and pass a context's deadline by: a cache must do none of that.
func connect(raw string, timeout time.Duration) (redis.UniversalClient, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("the Redis address is not an URL") // its text may hold a password
	}
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch {
	case u.Query().Has("master_name"):
		f, err := redis.ParseFailoverURL(raw)
		if err != nil {
			return nil, fmt.Errorf("the Redis address: %w", err)
		}
		f.ContextTimeoutEnabled, f.MaxRetries, f.DialerRetries = true, -1, 1
		f.DialTimeout, f.ReadTimeout, f.WriteTimeout, f.PoolTimeout = timeout, timeout, timeout, timeout
		f.DisableIdentity = true
		return redis.NewFailoverClient(f), nil
	case u.Query().Has("addr"):
		c, err := redis.ParseClusterURL(raw)
		if err != nil {
			return nil, fmt.Errorf("the Redis address: %w", err)
		}
		c.ContextTimeoutEnabled, c.MaxRetries, c.DialerRetries = true, -1, 1
		c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.PoolTimeout = timeout, timeout, timeout, timeout
		c.DisableIdentity, c.MaintNotificationsConfig = true, quiet
		return redis.NewClusterClient(c), nil
	}
	s, err := redis.ParseURL(raw)
	if err != nil {
		return nil, fmt.Errorf("the Redis address: %w", err)
	}
	s.ContextTimeoutEnabled, s.MaxRetries, s.DialerRetries = true, -1, 1
	s.DialTimeout, s.ReadTimeout, s.WriteTimeout, s.PoolTimeout = timeout, timeout, timeout, timeout
	s.DisableIdentity, s.MaintNotificationsConfig = true, quiet
	return redis.NewClient(s), nil
}

// try runs one command through the breaker. Every error but ErrMiss is an ErrDown.
func (r *Redis) try(ctx context.Context, command func(ctx context.Context) error) error {
	if !r.breaker.allow() {
		return fmt.Errorf("%w: it failed lately", ErrDown)
	}
	err := command(ctx)
	var reply redis.Error
	switch {
	case err == nil:
		r.answered()
		return nil
	case errors.Is(err, redis.Nil):
		r.answered()
		return ErrMiss
	case errors.As(err, &reply): // out of memory, loading, no permission: it answers, but not this
		r.answered()
		return fmt.Errorf("%w: %w: %w", ErrDown, ErrRefused, err)
	case ctx.Err() != nil:
		r.breaker.done(abandoned)
	default:
		if r.breaker.done(failed) {
			r.log.Warn("Redis does not answer: going on without it", "error", err.Error())
		}
	}
	return fmt.Errorf("%w: %w", ErrDown, err)
}

func (r *Redis) answered() {
	if r.breaker.done(answered) {
		r.log.Info("Redis answers again")
	}
}

// Get answers ErrMiss, ErrDown or the bytes.
func (r *Redis) Get(ctx context.Context, key string) ([]byte, error) {
	var value []byte
	err := r.try(ctx, func(ctx context.Context) (err error) {
		// A range, so that no reply is longer than any value set here; its end counts too.
		value, err = r.client.GetRange(ctx, r.prefix+key, 0, maxValue).Bytes()
		return err
	})
	switch {
	case err != nil:
		r.failures.Add(1)
		return nil, err
	case len(value) == 0 || len(value) > maxValue: // a range of nothing is empty
		r.misses.Add(1)
		return nil, ErrMiss
	}
	r.hits.Add(1)
	return value, nil
}

// Set drops empty values, those over 32 MiB and those without time to live.
func (r *Redis) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if len(value) == 0 || len(value) > maxValue || ttl < time.Millisecond {
		return nil
	}
	return r.try(ctx, func(ctx context.Context) error {
		return r.client.Set(ctx, r.prefix+key, value, ttl).Err()
	})
}

// unlock deletes a lease only while it is still the caller's: one that ran out may be somebody else's.
var unlock = redis.NewScript(`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0`)

// Lease holds among all processes of one Redis. It dies with its ttl where the holder dies.
func (r *Redis) Lease(ctx context.Context, key string, ttl time.Duration) (release func(), ok bool, err error) {
	nobody := func() {}
	mine := rand.Text()
	err = r.try(ctx, func(ctx context.Context) (err error) {
		ok, err = r.client.SetNX(ctx, r.prefix+key, mine, ttl).Result()
		return err
	})
	switch {
	case errors.Is(err, ErrMiss): // SET NX answers nil where the key stands
		return nobody, false, nil
	case err != nil:
		return nobody, false, err
	case !ok:
		return nobody, false, nil
	}
	return func() {
		// The caller's context may be over by now, the lease is not.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.timeout)
		defer cancel()
		_ = r.try(ctx, func(ctx context.Context) error { // if it fails, the ttl ends the lease
			return unlock.Run(ctx, r.client, []string{r.prefix + key}, mine).Err()
		})
	}, true, nil
}

// Ping asks the server whatever the breaker says, for readiness; nil or an ErrDown.
func (r *Redis) Ping(ctx context.Context) error {
	if err := r.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrDown, err)
	}
	return nil
}

// Time is the server's clock, asked whatever the breaker says.
func (r *Redis) Time(ctx context.Context) (time.Time, error) {
	at, err := r.client.Time(ctx).Result()
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrDown, err)
	}
	return at, nil
}

// Counts is how often something was asked for, by outcome, for metrics.
func (r *Redis) Counts() (hits, misses, failures int64) {
	return r.hits.Load(), r.misses.Load(), r.failures.Load()
}

// Answers reports whether the server answered lately, for metrics; it asks nobody.
func (r *Redis) Answers() bool { return !r.breaker.broken() }

// Close ends the connections.
func (r *Redis) Close() error { return r.client.Close() }
