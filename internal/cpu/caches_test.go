package cpu

import (
	"testing"
	"testing/fstest"
)

func TestCachesOfSys(t *testing.T) {
	cache := func(index, kind, level, size, line string) fstest.MapFS {
		m := fstest.MapFS{}
		for file, text := range map[string]string{"type": kind, "level": level, "size": size, "coherency_line_size": line} {
			if text != "" {
				m[index+"/"+file] = &fstest.MapFile{Data: []byte(text + "\n")}
			}
		}
		return m
	}
	join := func(all ...fstest.MapFS) fstest.MapFS {
		m := fstest.MapFS{}
		for _, one := range all {
			for name, file := range one {
				m[name] = file
			}
		}
		return m
	}
	for _, c := range []struct {
		name string
		dir  fstest.MapFS
		want Caches
	}{
		{"a server", join(
			cache("index0", "Data", "1", "64K", "64"), cache("index1", "Instruction", "1", "128K", "64"),
			cache("index2", "Unified", "2", "1024K", "64"), cache("index3", "Unified", "3", "32M", "64"),
		), Caches{64 << 10, 1 << 20, 32 << 20, 64}},
		{"long lines", cache("index0", "Data", "1", "128K", "128"), Caches{L1D: 128 << 10, Line: 128}},
		{"firmware that does not say", cache("index0", "Data", "1", "", ""), Caches{}},
		{"nonsense", cache("index0", "Unified", "2", "-4K", "64"), Caches{}},
		{"bytes", cache("index0", "Unified", "2", "524288", "64"), Caches{L2: 512 << 10}},
		{"no folder", fstest.MapFS{}, Caches{}},
	} {
		if got := fromSys(c.dir); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestUnknownCachesHaveDefaults(t *testing.T) {
	small := Caches{L1D: 32 << 10, L2: 256 << 10, Line: 64}
	for _, c := range []struct{ from, want Caches }{
		{Caches{}, small},
		{Caches{L1D: -1, L2: -1, L3: -1, Line: 48}, small},
		{Caches{L1D: 1 << 50, L2: 1 << 50, L3: 1 << 50, Line: 1 << 20}, small},
		{Caches{48 << 10, 2 << 20, 260 << 20, 64}, Caches{48 << 10, 2 << 20, 260 << 20, 64}},
	} {
		if got := c.from.orDefault(); got != c.want {
			t.Errorf("%+v: %+v, want %+v", c.from, got, c.want)
		}
	}
}

// Where Linux lists the caches, the processor says the same.
func TestDataCachesAreThoseOfSys(t *testing.T) {
	want := ofSystem()
	if want == (Caches{}) {
		t.Skip("/sys/devices/system/cpu/cpu0/cache lists no caches here")
	}
	if got := DataCaches(); got != want.orDefault() {
		t.Errorf("caches are %+v, the system says %+v", got, want)
	}
}
