package train

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"neocog/data"
)

// A readEvent is an Event as TensorBoard reads it.
type readEvent struct {
	wall    float64
	step    int64
	version string
	scalars map[string]float32
}

// readEvents reads an event file by the description of its format.
func readEvents(t *testing.T, file []byte) (list []readEvent) {
	t.Helper()
	for len(file) > 0 {
		if len(file) < 16 {
			t.Fatalf("%d bytes are left, a record takes 16 at least", len(file))
		}
		n := binary.LittleEndian.Uint64(file)
		if uint64(len(file)) < n+16 {
			t.Fatalf("a record of %d bytes, of which %d are there", n, len(file)-16)
		}
		check(t, file[:8], file[8:])
		check(t, file[12:12+n], file[12+n:])
		list = append(list, parseEvent(t, file[12:12+n]))
		file = file[16+n:]
	}
	return list
}

// check compares a checksum with what follows b.
func check(t *testing.T, b, sum []byte) {
	t.Helper()
	got := binary.LittleEndian.Uint32(sum) - 0xa282ead8
	if want := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)); got>>17|got<<15 != want {
		t.Fatalf("checksum %08x of %d bytes, want %08x", got>>17|got<<15, len(b), want)
	}
}

// fields calls f for each field of a message.
func fields(t *testing.T, b []byte, f func(n protowire.Number, value []byte)) {
	t.Helper()
	for len(b) > 0 {
		n, typ, head := protowire.ConsumeTag(b)
		if head < 0 {
			t.Fatal(protowire.ParseError(head))
		}
		size := protowire.ConsumeFieldValue(n, typ, b[head:])
		if size < 0 {
			t.Fatal(protowire.ParseError(size))
		}
		value := b[head : head+size]
		if typ == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		f(n, value)
		b = b[head+size:]
	}
}

func parseEvent(t *testing.T, b []byte) readEvent {
	t.Helper()
	e := readEvent{scalars: map[string]float32{}}
	fields(t, b, func(n protowire.Number, v []byte) {
		switch n {
		case 1:
			e.wall = math.Float64frombits(binary.LittleEndian.Uint64(v))
		case 2:
			step, _ := protowire.ConsumeVarint(v)
			e.step = int64(step)
		case 3:
			e.version = string(v)
		case 5:
			fields(t, v, func(n protowire.Number, v []byte) {
				var tag string
				var x float32
				fields(t, v, func(n protowire.Number, v []byte) {
					switch n {
					case 1:
						tag = string(v)
					case 2:
						x = math.Float32frombits(binary.LittleEndian.Uint32(v))
					}
				})
				e.scalars[tag] = x
			})
		}
	})
	return e
}

// The checksums of RFC 3720, B.4, for 32 zeros and 32 ones, masked.
func TestMaskedChecksum(t *testing.T) {
	ones := make([]byte, 32)
	for i := range ones {
		ones[i] = 0xff
	}
	for _, c := range []struct {
		b   []byte
		sum uint32
	}{{make([]byte, 32), 0x8a9136aa}, {ones, 0x62a8ab43}} {
		if got, want := masked(c.b), (c.sum>>15|c.sum<<17)+0xa282ead8; got != want {
			t.Errorf("masked checksum %08x, want %08x", got, want)
		}
	}
}

// The event file of a run that went on says what metrics.csv says, once.
func TestTensorBoardReadsTheMetrics(t *testing.T) {
	cfg := DefaultConfig("linear")
	cfg.Epochs, cfg.Batch, cfg.TensorBoard, cfg.LR = 3, 8, true, 1e-3
	tr, err := New(linearModel, cfg, data.Normalizer{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	run, err := Create(t.TempDir(), "run")
	if err != nil {
		t.Fatal(err)
	}
	set := rows(16)
	ctx, cancel := context.WithCancel(context.Background())
	// The second epoch is under way when the run is stopped.
	_, err = tr.Fit(ctx, set, nil, FitOptions{Run: run, Progress: stopAt{after: 3, cancel: cancel}})
	if err == nil {
		t.Fatal("the run was not stopped")
	}
	back, run, err := ResumeModel(run.Dir, linearModel, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	if _, err := back.Fit(context.Background(), set, nil, FitOptions{Run: run}); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(run.Dir, "events.out.tfevents.*"))
	if err != nil || len(names) != 1 {
		t.Fatalf("event files %v, %v, want one", names, err)
	}
	file, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	records, err := Records(run.Dir)
	if err != nil {
		t.Fatal(err)
	}
	events := readEvents(t, file)
	if len(events) != 4 || len(records) != 3 || events[0].version != "brain.Event:2" {
		t.Fatalf("%d events, %d records, version %q; want 4, 3, brain.Event:2", len(events), len(records), events[0].version)
	}
	for i, e := range events[1:] {
		r := records[i]
		if e.step != int64(r.Step) || math.Abs(e.wall-events[0].wall-r.Seconds) > 1e-5 {
			t.Errorf("epoch %d: event of step %d, %v s after the first; want %d, %v", r.Epoch, e.step, e.wall-events[0].wall, r.Step, r.Seconds)
		}
		want := map[string]float64{"loss/train": r.Loss, "accuracy/train": r.Accuracy, "lr": r.LR, "update_ratio": r.UpdateRatio}
		if len(e.scalars) != len(want) {
			t.Errorf("epoch %d: scalars %v, want %v: without test images there are none of theirs", r.Epoch, e.scalars, want)
		}
		for tag, v := range want {
			if e.scalars[tag] != float32(v) {
				t.Errorf("epoch %d: %s is %v, want %v", r.Epoch, tag, e.scalars[tag], v)
			}
		}
	}
}

// stopAt cancels a run after so many steps.
type stopAt struct {
	Silent
	after  int
	cancel context.CancelFunc
}

func (s stopAt) Step(epoch, step int, _, _ float64) {
	if (epoch-1)*2+step == s.after {
		s.cancel()
	}
}
