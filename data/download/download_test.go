package download

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"neocog/data"
)

// served is a data set whose files are contents, on a server with the handler, or one that serves them.
func served(t *testing.T, contents map[string][]byte, handler http.Handler) (Source, *httptest.Server) {
	t.Helper()
	if handler == nil {
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			content, ok := contents[filepath.Base(r.URL.Path)]
			if !ok {
				http.NotFound(w, r)
				return
			}
			http.ServeContent(w, r, r.URL.Path, time.Time{}, bytes.NewReader(content))
		})
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s := Source{Name: "set", URLs: []string{server.URL + "/"}}
	for name, content := range contents {
		sum := sha256.Sum256(content)
		s.Files = append(s.Files, File{Name: name, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])})
	}
	slices.SortFunc(s.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return s, server
}

func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 5)
	}
	return b
}

// wantFiles checks that a folder holds these files and no others.
func wantFiles(t *testing.T, dir string, want map[string][]byte) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if content, ok := want[e.Name()]; err != nil || !ok || !bytes.Equal(got, content) {
			t.Errorf("%s has %d bytes, want it %v with %d (error %v)", e.Name(), len(got), ok, len(content), err)
		}
	}
	if len(entries) != len(want) {
		t.Errorf("%d files, want %d", len(entries), len(want))
	}
}

func TestGet(t *testing.T) {
	contents := map[string][]byte{"a.gz": noise(100_000), "b.gz": noise(7)}
	var requests atomic.Int64
	s, server := served(t, contents, nil)
	inner := server.Config.Handler
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		inner.ServeHTTP(w, r)
	})
	dir := filepath.Join(t.TempDir(), "deep", "set")
	last, all := int64(-1), int64(0)
	progress := func(done, of int64) {
		if done < last {
			t.Errorf("progress goes from %d back to %d", last, done)
		}
		last, all = done, of
	}
	if err := s.Get(t.Context(), dir, progress); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, contents)
	if last != 100_007 || all != 100_007 || requests.Load() != 2 {
		t.Errorf("progress ends at %d of %d, %d requests; want 100007 and 2", last, all, requests.Load())
	}
	if err := s.Get(t.Context(), dir, nil); err != nil || requests.Load() != 2 {
		t.Errorf("again: error %v, %d requests, want 2", err, requests.Load())
	}
}

// A connection that breaks leaves what arrived, and the next call asks for the rest.
func TestGetGoesOnAfterABreak(t *testing.T) {
	content := noise(50_000)
	for _, resumes := range []bool{true, false} {
		var ranges []string
		s, _ := served(t, map[string][]byte{"a.gz": content}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ranges = append(ranges, r.Header.Get("Range"))
			if len(ranges) == 1 {
				w.Header().Set("Content-Length", "50000")
				w.Write(content[:20_000])
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
			if !resumes {
				r.Header.Del("Range")
			}
			http.ServeContent(w, r, "a.gz", time.Time{}, bytes.NewReader(content))
		}))
		dir := t.TempDir()
		err := s.Get(t.Context(), dir, nil)
		if _, ok := errors.AsType[*Unreachable](err); !ok {
			t.Fatalf("error %v, want an *Unreachable", err)
		}
		wantFiles(t, dir, map[string][]byte{"a.gz.part": content[:20_000]})
		if err := s.Get(t.Context(), dir, nil); err != nil {
			t.Fatal(err)
		}
		wantFiles(t, dir, map[string][]byte{"a.gz": content})
		if want := []string{"", "bytes=20000-"}; !slices.Equal(ranges, want) {
			t.Errorf("asked for %q, want %q", ranges, want)
		}
	}
}

func TestGetIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, _ := served(t, map[string][]byte{"a.gz": noise(5000)}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5000")
		w.Write(noise(5000)[:1000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	dir := t.TempDir()
	err := s.Get(ctx, dir, func(done, _ int64) {
		if done == 1000 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	wantFiles(t, dir, map[string][]byte{"a.gz.part": noise(5000)[:1000]})
}

func TestGetGivesUpWhereNothingArrives(t *testing.T) {
	defer func(d time.Duration) { stall = d }(stall)
	stall = 20 * time.Millisecond
	s, _ := served(t, map[string][]byte{"a.gz": noise(5000)}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	if err := s.Get(t.Context(), t.TempDir(), nil); !errors.Is(err, errStalled) {
		t.Errorf("error %v, want %v", err, errStalled)
	}
}

// What a server sends instead of the file, a page that asks for a login say, never gets the name of the file, nor is it gone on with.
func TestGetRefusesOtherContent(t *testing.T) {
	content := noise(1000)
	bad := bytes.Clone(content)
	bad[500] ^= 1
	for name, sent := range map[string][]byte{"flipped": bad, "longer": append(bytes.Clone(content), 1), "a page": []byte("<html>")} {
		for _, chunked := range []bool{false, true} {
			s, _ := served(t, map[string][]byte{"a.gz": content}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if chunked {
					w.(http.Flusher).Flush() // before the length is known
				}
				w.Write(sent)
			}))
			dir := t.TempDir()
			err := s.Get(t.Context(), dir, nil)
			want := "the server has "
			if chunked || len(sent) == len(content) {
				want = "want "
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q in it", name, err, want)
			}
			wantFiles(t, dir, nil)
			// A mirror that has it is asked next.
			good, _ := served(t, map[string][]byte{"a.gz": content}, nil)
			s.URLs = append(s.URLs, good.URLs...)
			if err := s.Get(t.Context(), dir, nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			// What was left of another version is not gone on with for ever.
			os.Rename(filepath.Join(dir, "a.gz"), filepath.Join(dir, "kept"))
			os.WriteFile(filepath.Join(dir, "a.gz.part"), append(bytes.Clone(bad), 1), 0o644)
			if err := good.Get(t.Context(), dir, nil); err != nil {
				t.Errorf("%s: over a wrong part: %v", name, err)
			}
		}
	}
}

func TestGetOffline(t *testing.T) {
	s, server := served(t, map[string][]byte{"a.gz": noise(10)}, nil)
	lost, _ := served(t, map[string][]byte{}, nil)
	server.Close()
	s.URLs = append(s.URLs, lost.URLs...)
	dir := t.TempDir()
	err := s.Get(t.Context(), dir, nil)
	if err == nil {
		t.Fatal("it is downloaded")
	}
	text := err.Error()
	for _, want := range []string{
		"set: a.gz could not be downloaded\n", server.URL + "/a.gz: dial tcp ", "connect", lost.URLs[0] + "a.gz: the server says 404 Not Found\n",
		"start again when there is a connection, or put the file (10 bytes, SHA-256 " + s.Files[0].SHA256 + ") by hand to\n  " + filepath.Join(dir, "a.gz"),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nlacks %q", text, want)
		}
	}
	// By hand, wrong and right.
	path := filepath.Join(dir, "a.gz")
	os.WriteFile(path, noise(11), 0o644)
	if err := s.Get(t.Context(), dir, nil); err == nil || err.Error() != path+": length: want 10 bytes, got 11; remove it, and it will be downloaded" {
		t.Errorf("a wrong file put there: error %v", err)
	}
	os.WriteFile(path, noise(10), 0o644)
	if err := s.Get(t.Context(), dir, nil); err != nil {
		t.Errorf("the file put there: error %v", err)
	}
}

func TestGetWhereNothingCanBeWritten(t *testing.T) {
	s, _ := served(t, map[string][]byte{"a.gz": noise(10)}, nil)
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o644)
	if err := s.Get(t.Context(), filepath.Join(file, "set"), nil); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v, want one that names %s", err, file)
	}
	dir := t.TempDir()
	os.Mkdir(filepath.Join(dir, "a.gz.part"), 0o755)
	err := s.Get(t.Context(), dir, nil)
	if _, ok := errors.AsType[*Unreachable](err); ok || err == nil {
		t.Errorf("error %v, want that of the file and not of the connection", err)
	}
}

// archive is a .tar.gz of files.
func archive(t *testing.T, names []string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range names {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		w.Write(content)
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

func TestGetUnpacksArchives(t *testing.T) {
	content := noise(3000)
	files := map[string][]byte{"a.tar.gz": archive(t, []string{"set/train.bin", "set/readme.html", "../../test.bin"}, content)}
	s, server := served(t, files, nil)
	s.Files[0].Members = map[string]int64{"train.bin": 3000, "test.bin": 3000}
	dir := t.TempDir()
	if err := s.Get(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{"train.bin": content, "test.bin": content}
	wantFiles(t, dir, want)
	server.Close()
	if err := s.Get(t.Context(), dir, nil); err != nil {
		t.Errorf("again, without a connection: %v", err)
	}
	// One that is lost, or cut, is had from the archive, here put there by hand.
	os.Truncate(filepath.Join(dir, "train.bin"), 2999)
	if err := s.Get(t.Context(), dir, nil); err == nil {
		t.Error("a cut member is taken for whole")
	}
	os.WriteFile(filepath.Join(dir, "a.tar.gz"), files["a.tar.gz"], 0o644)
	if err := s.Get(t.Context(), dir, nil); err != nil {
		t.Error(err)
	}
	wantFiles(t, dir, want)
}

func TestGetOfArchivesThatLackSomething(t *testing.T) {
	for name, members := range map[string]map[string]int64{"a member": {"train.bin": 30, "lost.bin": 30}, "bytes": {"train.bin": 31}} {
		s, _ := served(t, map[string][]byte{"a.tar.gz": archive(t, []string{"train.bin"}, noise(30))}, nil)
		s.Files[0].Members = members
		err := s.Get(t.Context(), t.TempDir(), nil)
		if _, ok := errors.AsType[*data.FormatError](err); !ok {
			t.Errorf("%s: error %v, want a *data.FormatError", name, err)
		}
	}
}

func TestSources(t *testing.T) {
	var names []string
	for _, s := range Sources() {
		names = append(names, s.Name)
		if len(s.URLs) == 0 || len(s.Files) == 0 || s.From == "" || s.size() <= 0 {
			t.Errorf("%s is not complete", s.Name)
		}
		for _, url := range s.URLs {
			if !strings.HasPrefix(url, "http") || !strings.HasSuffix(url, "/") {
				t.Errorf("%s: %s is no folder", s.Name, url)
			}
		}
		for _, f := range s.Files {
			if b, err := hex.DecodeString(f.SHA256); err != nil || len(b) != sha256.Size || f.Size <= 0 {
				t.Errorf("%s: %s has %d bytes and SHA-256 %q", s.Name, f.Name, f.Size, f.SHA256)
			}
		}
	}
	if !slices.Equal(names, data.Public) {
		t.Errorf("sources %v, want those of data.Public, %v", names, data.Public)
	}
	if _, err := Find("imagenet"); err == nil || err.Error() != `no data set "imagenet" can be downloaded; want one of mnist, fashion-mnist, cifar-10, cifar-100` {
		t.Errorf("error %v", err)
	}
}

// The sums are those of the published files, as far as they are here.
func TestSumsOfRealFiles(t *testing.T) {
	dir := ""
	for up := "../.."; len(up) < 40 && dir == ""; up = filepath.Join("..", up) {
		if _, err := os.Stat(filepath.Join(up, "shared", "data")); err == nil {
			dir = filepath.Join(up, "shared", "data")
		}
	}
	if dir == "" {
		t.Skip("shared/data is not beside the repository")
	}
	checked := 0
	for _, s := range Sources() {
		for _, f := range s.Files {
			path := filepath.Join(dir, s.Name, f.Name)
			// The training images of MNIST are there with another gzip header.
			if _, err := os.Stat(path); err != nil || s.Name == "mnist" && f.Name == "train-images-idx3-ubyte.gz" {
				continue
			}
			checked++
			if err := f.check(path); err != nil {
				t.Error(err)
			}
		}
	}
	if checked != 7 {
		t.Errorf("%d files compared, want 7", checked)
	}
}

func Example() {
	content := "a small file"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, content) }))
	defer server.Close()
	sum := sha256.Sum256([]byte(content))
	s := Source{Name: "small", URLs: []string{server.URL + "/"}, Files: []File{{Name: "a.txt", Size: 12, SHA256: hex.EncodeToString(sum[:])}}}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := s.Get(context.Background(), dir, nil); err != nil {
		panic(err)
	}
	got, _ := os.ReadFile(filepath.Join(dir, "a.txt"))
	fmt.Println(string(got))
	// Output: a small file
}
