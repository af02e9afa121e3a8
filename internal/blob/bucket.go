// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// BucketOptions of an S3-compatible service.
type BucketOptions struct {
	// Address is https://host[:port]/bucket, or http:// inside a trusted network; ?region=NAME where the service needs one. Required.
	Address string
	// AccessKey and Secret are the credentials. Required.
	AccessKey, Secret string
}

// Bucket keeps every blob as one object. The service's own promise makes it
// durable: an S3 service answers a PUT once the object is safe.
type Bucket struct {
	client *minio.Client
	name   string
}

var _ Store = (*Bucket)(nil)

// patience bounds one question to the service.
const patience = 60 * time.Second

// IsBucket tells the address of a bucket from the path of a folder.
func IsBucket(address string) bool {
	return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
}

// NewBucket reads the address. It asks the service nothing; Check does.
func NewBucket(o BucketOptions) (*Bucket, error) {
	u, err := url.Parse(o.Address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return nil, errors.New("blobs: write the bucket's address like https://s3.example.kz/bucket")
	}
	name := strings.Trim(u.Path, "/")
	if name == "" || strings.Contains(name, "/") {
		return nil, errors.New("blobs: the address names one bucket, like https://s3.example.kz/bucket")
	}
	if o.AccessKey == "" || o.Secret == "" {
		return nil, errors.New("blobs: the access key or its secret is missing")
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(o.AccessKey, o.Secret, ""), Secure: u.Scheme == "https",
		Region: u.Query().Get("region"), BucketLookup: minio.BucketLookupPath, MaxRetries: 3,
	})
	if err != nil {
		return nil, fmt.Errorf("blobs: %w", err)
	}
	return &Bucket{client: client, name: name}, nil
}

// Put stores an object in one request.
func (b *Bucket) Put(ctx context.Context, name string, content []byte) error {
	if err := checkName(name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// A browser that is led to the object must take it as a file.
	_, err := b.client.PutObject(ctx, b.name, name, bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{
		ContentType: "application/octet-stream", ContentDisposition: "attachment", DisableMultipart: true,
	})
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}

// Get reads an object.
func (b *Bucket) Get(ctx context.Context, name string, limit int64) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o, err := b.client.GetObject(ctx, b.name, name, minio.GetObjectOptions{})
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	defer o.Close()
	content, err := readAll(o, limit)
	if minio.ToErrorResponse(errors.Unwrap(err)).Code == minio.NoSuchKey {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	return content, err
}

// Remove deletes an object.
func (b *Bucket) Remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := b.client.RemoveObject(ctx, b.name, name, minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}

// Walk lists the objects.
func (b *Bucket) Walk(ctx context.Context, f func(name string, put time.Time) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing when f does not want more
	for o := range b.client.ListObjects(ctx, b.name, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			return fmt.Errorf("blobs: %w", o.Err)
		}
		if checkName(o.Key) != nil {
			continue // not ours
		}
		if err := f(o.Key, o.LastModified); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Check asks for the bucket.
func (b *Bucket) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found, err := b.client.BucketExists(ctx, b.name)
	if err == nil && !found {
		err = fmt.Errorf("there is no bucket %q", b.name)
	}
	if err != nil {
		return fmt.Errorf("blobs: %w", err)
	}
	return nil
}
