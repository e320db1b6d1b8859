package download

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"neocog/data"
)

// Progress is told how many bytes of how many of all files of a data set are there. It is called often.
type Progress func(done, all int64)

// Get brings the data set of that name into its folder of the user's cache, data.CacheDir, and returns the folder. What is there already
// and right stays; progress may be nil. See Source.Get.
func Get(ctx context.Context, name string, progress Progress) (dir string, err error) {
	s, err := Find(name)
	if err != nil {
		return "", err
	}
	if dir, err = data.CacheDir(name); err != nil {
		return "", err
	}
	return dir, s.Get(ctx, dir, progress)
}

// Get brings the files into dir, which it makes. A file is there whole and with its SHA-256, or not at all; what an interrupted
// call has of it is in FILE.part, and the next call goes on from there.
//
// If a file can be had from none of the URLs the error is an *Unreachable, which says why each could not
// be used, and where to put the file by hand.
func (s Source) Get(ctx context.Context, dir string, progress Progress) error {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	done, all := int64(0), s.size()
	for _, f := range s.Files {
		step := func(n int64) { progress(done+n, all) }
		if err := s.get(ctx, dir, f, step); err != nil {
			return err
		}
		done += f.Size
		progress(done, all)
	}
	return nil
}

// get brings one file, or its members, into dir.
func (s Source) get(ctx context.Context, dir string, f File, step func(int64)) error {
	if f.Members != nil && f.unpacked(dir) {
		return nil
	}
	path := filepath.Join(dir, f.Name)
	err := f.check(path)
	if _, ok := errors.AsType[*data.FormatError](err); ok {
		return fmt.Errorf("%w; remove it, and it will be downloaded", err)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		if err := s.fetch(ctx, path, f, step); err != nil {
			return err
		}
	}
	if f.Members == nil {
		return nil
	}
	if err := f.unpack(dir); err != nil {
		return err
	}
	return os.Remove(path)
}

// check says whether the file at path is f.
func (f File) check(path string) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return err
	}
	return f.agrees(path, n, h.Sum(nil))
}

func (f File) agrees(path string, n int64, sum []byte) error {
	if n != f.Size {
		return &data.FormatError{File: path, What: "length", Want: fmt.Sprintf("%d bytes", f.Size), Got: fmt.Sprint(n)}
	}
	if got := hex.EncodeToString(sum); got != f.SHA256 {
		return &data.FormatError{File: path, What: "SHA-256", Want: f.SHA256, Got: got}
	}
	return nil
}

// Unreachable says that a file could be had from none of its URLs.
type Unreachable struct {
	Name   string // of the data set
	File   File
	Path   string  // where it was to be
	Causes []error // one for each URL, which it names
	Others []File  // of the data set that are not there either
}

func (e *Unreachable) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s could not be downloaded\n", e.Name, e.File.Name)
	for _, err := range e.Causes {
		fmt.Fprintf(&b, "  %v\n", err)
	}
	fmt.Fprintf(&b, "start again when there is a connection, or put the file (%d bytes, SHA-256 %s) by hand to\n  %s", e.File.Size, e.File.SHA256, e.Path)
	for i, f := range e.Others {
		if i == 0 {
			b.WriteString("\nnot there yet either, and wanted beside it:")
		}
		fmt.Fprintf(&b, "\n  %s (%d bytes, SHA-256 %s)", f.Name, f.Size, f.SHA256)
	}
	return b.String()
}

// Unwrap returns the causes.
func (e *Unreachable) Unwrap() []error { return e.Causes }

// fetch downloads f to path from the first URL that has it.
func (s Source) fetch(ctx context.Context, path string, f File, step func(int64)) error {
	missing := &Unreachable{Name: s.Name, File: f, Path: path}
	for _, base := range s.URLs {
		err := f.from(ctx, base+f.Name, path, step)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, ok := errors.AsType[*fs.PathError](err); ok { // of this machine, whatever the URL
			return err
		}
		missing.Causes = append(missing.Causes, err)
	}
	dir := filepath.Dir(path)
	for _, other := range s.Files {
		_, err := os.Stat(filepath.Join(dir, other.Name))
		if other.Name != f.Name && err != nil && !(other.Members != nil && other.unpacked(dir)) {
			missing.Others = append(missing.Others, other)
		}
	}
	return missing
}

// stall is how long nothing may arrive.
var stall = 30 * time.Second

var errStalled = errors.New("nothing arrives")

// from downloads f from one URL, going on with what path.part has.
func (f File) from(ctx context.Context, url, path string, step func(int64)) (err error) {
	part, err := os.OpenFile(path+".part", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		info, statErr := part.Stat()
		part.Close()
		if err != nil && statErr == nil && info.Size() == 0 {
			os.Remove(part.Name())
		}
	}()
	h := sha256.New()
	have, err := io.Copy(h, part)
	if err != nil {
		return err
	}
	if f.agrees(url, have, h.Sum(nil)) != nil {
		if have >= f.Size { // and so nothing of it is of use
			if have, err = 0, restart(part, h); err != nil {
				return err
			}
		}
		if have, err = f.receive(ctx, url, have, part, h, step); err != nil {
			return err
		}
		if err := f.agrees(url, have, h.Sum(nil)); err != nil {
			return errors.Join(err, restart(part, h))
		}
	}
	if err := part.Sync(); err != nil {
		return err
	}
	if err := part.Close(); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}

// receive appends what the URL has from byte have on to part and h, and returns how many bytes there are then. It gives up when nothing
// arrives for as long as stall.
func (f File) receive(ctx context.Context, url string, have int64, part *os.File, h hash.Hash, step func(int64)) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(stall, func() { cancel(fmt.Errorf("%w for %v", errStalled, stall)) })
	defer watch.Stop()
	body, from, err := f.open(ctx, url, have)
	if err != nil {
		return have, cause(ctx, url, err)
	}
	defer body.Close()
	if from == 0 && have > 0 { // the server does not go on: from the start again
		if have, err = 0, restart(part, h); err != nil {
			return 0, err
		}
	}
	arrived := readerFunc(func(p []byte) (int, error) {
		n, err := body.Read(p)
		watch.Reset(stall)
		have += int64(n)
		step(min(have, f.Size))
		return n, err
	})
	_, err = io.Copy(io.MultiWriter(part, h), io.LimitReader(arrived, f.Size-have+1))
	if err != nil {
		err = cause(ctx, url, err)
	}
	return have, err
}

// open asks for a file from byte have on. It returns from where on the server sends it: have or 0.
func (f File) open(ctx context.Context, url string, have int64) (body io.ReadCloser, from int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, err
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, 0, err
	}
	length := resp.ContentLength
	switch {
	case resp.StatusCode == http.StatusOK && (length == f.Size || length < 0):
		return resp.Body, 0, nil
	case resp.StatusCode == http.StatusOK:
		err = fmt.Errorf("the server has %d bytes, want %d", length, f.Size)
	case resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", have)):
		return resp.Body, have, nil
	default:
		err = fmt.Errorf("the server says %s", resp.Status)
	}
	resp.Body.Close()
	return nil, 0, err
}

// cause names the URL, and the reason for which a request was given up.
func cause(ctx context.Context, url string, err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return err
	}
	if c := context.Cause(ctx); c != nil {
		err = c
	}
	text := err.Error()
	if i := strings.Index(text, url+`": `); i >= 0 { // net/http names it too
		text = text[i+len(url)+3:]
	}
	return &fault{url + ": " + text, err}
}

// fault is an error with another text.
type fault struct {
	text string
	err  error
}

func (e *fault) Error() string { return e.text }
func (e *fault) Unwrap() error { return e.err }

// restart empties part and h.
func restart(part *os.File, h hash.Hash) error {
	h.Reset()
	if err := part.Truncate(0); err != nil {
		return err
	}
	_, err := part.Seek(0, io.SeekStart)
	return err
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
