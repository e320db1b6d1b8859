package data

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// coloured returns a set of smooth coloured images of two classes.
func coloured(n, h, w int) *Set {
	s := &Set{Name: "coloured", C: 3, H: h, W: w, Classes: []string{"even", "odd"}, Pixels: make([]byte, n*3*h*w), Labels: make([]int32, n)}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		s.Labels[i] = int32(i % 2)
		img := s.Image(i)
		for ch := range 3 {
			level, dx, dy := 40+150*r.Float64(), 4*r.Float64()-2, 4*r.Float64()-2
			for p := range h * w {
				img[ch*h*w+p] = byte(min(max(level+dx*float64(p%w-w/2)+dy*float64(p/w-h/2), 0), 255))
			}
		}
	}
	return s
}

func augmenter(t testing.TB, text string, s *Set, seed uint64) *Augmenter {
	t.Helper()
	a, err := ParseAugment(text)
	if err != nil {
		t.Fatal(err)
	}
	g, err := a.For(s, seed)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// everyStep has each step once, at a strength that shows.
const everyStep = "flip+crop:3+scale:16,20+patch:15+resized-crop:14,0.3+translate:0.1+rotate:20+stretch:0.2+shear:10+lens:0.3+elastic:20,3+" +
	"border:reflect+crop:2+centre:13+brightness:0.3+contrast:0.3+saturation:0.3+hue:0.1+pca+border:mean+rotate:5+cutout:4+mixup"

func TestNothingChangesAtStrengthZero(t *testing.T) {
	set := coloured(5, 12, 15)
	for _, text := range []string{
		"", "flip:0", "crop:0", "scale:12", "translate:0", "rotate:0", "stretch:0", "shear:0", "lens:0", "elastic:0,2", "brightness:0", "contrast:0",
		"saturation:0", "hue:0", "pca:0", "cutout:0", "border:edge", "resized-crop:0,1+border:black", "mixup",
		"rotate:0+lens:0+shear:0+brightness:0+hue:0+stretch:0+elastic:0,2", "flip:1+flip:1", "flip:1+brightness:0+flip:1",
	} {
		g := augmenter(t, text, set, 1)
		if strings.HasPrefix(text, "resized") {
			continue // an area of 1 still leaves the sides to chance; below
		}
		for i := range set.Len() {
			if got := g.Image(3, i); !bytes.Equal(got, set.Image(i)) {
				t.Errorf("%q changes image %d", text, i)
			}
		}
	}
}

func TestFlipMirrors(t *testing.T) {
	set := coloured(3, 4, 5)
	g := augmenter(t, "flip:1", set, 1)
	for i := range 3 {
		img, got := set.Image(i), g.Image(0, i)
		for p := range img {
			row, col := p/5, p%5
			if got[p] != img[row*5+4-col] {
				t.Fatalf("image %d, element %d: %d, want %d", i, p, got[p], img[row*5+4-col])
			}
		}
	}
	g = augmenter(t, "flip", set, 1)
	flipped := 0
	for e := range 1000 {
		if !bytes.Equal(g.Image(e, 0), set.Image(0)) {
			flipped++
		}
	}
	if flipped < 440 || flipped > 560 { // four standard deviations of 1,000 coins are 63
		t.Errorf("flipped in %d of 1,000 epochs", flipped)
	}
}

// Every crop is a shift by at most the padding, with the border beyond the edge, and every shift occurs.
func TestCropShifts(t *testing.T) {
	set := coloured(1, 6, 5)
	img := set.Image(0)
	for border, beyond := range map[string]func(i, n int) int{
		"black":   func(int, int) int { return -1 },
		"edge":    func(i, n int) int { return min(max(i, 0), n-1) },
		"reflect": func(i, n int) int { return max(i, -i) - max(0, 2*(i-n+1)) },
	} {
		g := augmenter(t, "border:"+border+"+crop:2", set, 9)
		seen := map[int]int{}
		for e := range 2000 {
			got := slices.Clone(g.Image(e, 0))
			found := -1
			for shift := range 25 {
				dy, dx := shift/5-2, shift%5-2
				want := make([]byte, len(img))
				for p := range want {
					ch, y, x := p/30, p%30/5+dy, p%5+dx
					if y < 0 || y >= 6 {
						y = beyond(y, 6)
					}
					if x < 0 || x >= 5 {
						x = beyond(x, 5)
					}
					if x >= 0 && y >= 0 {
						want[p] = img[ch*30+y*5+x]
					}
				}
				if bytes.Equal(got, want) {
					found = shift
				}
			}
			if found < 0 {
				t.Fatalf("%s, epoch %d: no shift by up to 2", border, e)
			}
			seen[found]++
		}
		// 80 are expected of each of 25; five standard deviations are 44.
		for shift := range 25 {
			if seen[shift] < 36 || seen[shift] > 124 {
				t.Errorf("%s: shift %d occurs %d times in 2,000", border, shift, seen[shift])
			}
		}
	}
}

// bilinear is the reference: the level of channel ch at the point (x, y), black outside.
func bilinear(img []byte, h, w, ch int, x, y float64) float64 {
	x, y = x-0.5, y-0.5
	x0, y0 := math.Floor(x), math.Floor(y)
	at := func(i, j float64) float64 {
		if i < 0 || j < 0 || i >= float64(h) || j >= float64(w) {
			return 0
		}
		return float64(img[(ch*h+int(i))*w+int(j)])
	}
	fx, fy := x-x0, y-y0
	return (at(y0, x0)*(1-fx)+at(y0, x0+1)*fx)*(1-fy) + (at(y0+1, x0)*(1-fx)+at(y0+1, x0+1)*fx)*fy
}

// A run of maps is one resampling: the picture is that of the composed map, by the reference. Coordinates are rounded to
// 2⁻¹¹, which is up to 255·2·2⁻¹² = 0.13 levels, and the level to a whole one: 0.63, and 0.75 with the rounding of blends.
func TestGeometryIsOneResampling(t *testing.T) {
	const h, w = 11, 9
	r := rand.New(rand.NewPCG(3, 4))
	img := make([]byte, 3*h*w)
	for p := range img {
		img[p] = byte(r.Uint32())
	}
	deg := math.Pi / 180
	rotation := func(a float64) matrix {
		return matrix{math.Cos(a), -math.Sin(a), w/2. - math.Cos(a)*w/2 + math.Sin(a)*h/2, math.Sin(a), math.Cos(a), h/2. - math.Sin(a)*w/2 - math.Cos(a)*h/2}
	}
	shift := matrix{1, 0, 1.3, 0, 1, -0.7}
	bulge := &lens{w / 2., h / 2., 0.3 / (w*w/4. + h*h/4.)}
	for _, c := range []struct {
		name string
		draw func(k *canvas)
		at   func(x, y float64) (float64, float64)
	}{
		{"shift", func(k *canvas) { k.move(shift, h, w) }, shift.at},
		{"rotation", func(k *canvas) { s, c := math.Sincos(25 * deg); k.turn(c, -s, s, c) }, rotation(25 * deg).at},
		{"rotation, then shift", func(k *canvas) { s, c := math.Sincos(25 * deg); k.turn(c, -s, s, c); k.move(shift, h, w) },
			func(x, y float64) (float64, float64) { return rotation(25 * deg).at(shift.at(x, y)) }},
		{"lens", func(k *canvas) { k.warp(bulge) }, bulge.at},
		{"shift, lens, rotation, lens", func(k *canvas) {
			k.move(shift, h, w)
			k.warp(bulge)
			s, c := math.Sincos(-40 * deg)
			k.turn(c, -s, s, c)
			k.warp(bulge)
		}, func(x, y float64) (float64, float64) {
			x, y = rotation(-40 * deg).at(bulge.at(x, y))
			return shift.at(bulge.at(x, y))
		}},
		{"enlarged by 1.7", func(k *canvas) { k.move(matrix{a: 1 / 1.7, e: 1 / 1.7}, h, w) },
			func(x, y float64) (float64, float64) { return x / 1.7, y / 1.7 }},
	} {
		var k canvas
		k.begin(img, 3, h, w)
		c.draw(&k)
		k.flush()
		for ch := range 3 {
			for i := range h {
				for j := range w {
					x, y := c.at(float64(j)+0.5, float64(i)+0.5)
					want, got := bilinear(img, h, w, ch, x, y), float64(k.pix[(ch*h+i)*w+j])
					if math.Abs(got-want) > 0.75 {
						t.Fatalf("%s: channel %d, row %d, column %d is %v, want %.3f", c.name, ch, i, j, got, want)
					}
				}
			}
		}
	}
}

// Turning by right angles moves pixels exactly, and four of them are none.
func TestRightAngles(t *testing.T) {
	img := coloured(1, 7, 7).Pixels
	var k canvas
	for turns := 1; turns <= 4; turns++ {
		k.begin(img, 3, 7, 7)
		for range turns {
			s, c := math.Sincos(math.Pi / 2)
			k.turn(c, -s, s, c)
		}
		k.flush()
		for p, got := range k.pix {
			ch, y, x := p/49, p%49/7, p%7
			for range turns {
				x, y = 6-y, x
			}
			if want := img[ch*49+y*7+x]; got != want {
				t.Fatalf("%d turns: element %d is %d, want %d", turns, p, got, want)
			}
		}
	}
}

// A blob that stays inside keeps its mass while it moves and turns: bilinear weights add up to 1. Each pixel rounds by half
// a level; and shrinking by 3 keeps a ninth of it.
func TestMassIsConserved(t *testing.T) {
	const n = 32
	img, mass := make([]byte, n*n), 0
	for p := range img {
		y, x := float64(p/n)-15.5, float64(p%n)-15.5
		img[p] = byte(250 * math.Exp(-(x*x+y*y)/18))
		mass += int(img[p])
	}
	set := &Set{Name: "blob", C: 1, H: n, W: n, Classes: []string{"blob"}, Labels: []int32{0}, Pixels: img}
	for text, share := range map[string]float64{"translate:0.1": 1, "rotate:90": 1, "rotate:30+translate:0.1+shear:20": 1, "scale:11": 1. / 9} {
		if text == "scale:11" {
			share = 11 * 11. / (n * n)
		}
		g := augmenter(t, text, set, 5)
		for e := range 50 {
			got := 0
			for _, v := range g.Image(e, 0) {
				got += int(v)
			}
			if want := float64(mass) * share; math.Abs(float64(got)-want) > 0.01*want {
				t.Errorf("%q, epoch %d: mass %d, want %.0f", text, e, got, want)
			}
		}
	}
}

// Shrinking averages: a fine chessboard becomes grey, not a coarse chessboard. By an odd factor, for the one point in the middle of each
// pixel then lies in the middle of a square, black or white; by an even one it lies between four squares and is grey in any case. The mean
// of 25 squares, 12 or 13 of them white, is 96 or 104.
func TestShrinkingDoesNotAlias(t *testing.T) {
	const n = 40
	img := make([]byte, n*n)
	for p := range img {
		img[p] = byte((p/n + p%n) % 2 * 200)
	}
	set := &Set{Name: "board", C: 1, H: n, W: n, Classes: []string{"board"}, Labels: []int32{0}, Pixels: img}
	for _, v := range augmenter(t, "scale:8", set, 1).Image(0, 0) {
		if v != 96 && v != 104 {
			t.Fatalf("level %d, want 96 or 104", v)
		}
	}
}

// Every step draws from the whole of its range and from nothing else, evenly. Each measure is of what the image shows, on a scale
// where the range is -1 to 1: of 2,000 numbers some are beyond ±0.99, the mean is 0 to within four deviations, 4/√(3·2000) = 0.052, and
// so is the mean of the squares 1/3, to 4·√(4/45/2000) = 0.027.
func TestStepsDrawFromTheirWholeRange(t *testing.T) {
	const h, w = 11, 29
	deg := math.Pi / 180
	of := func(k *canvas) matrix { return k.chain[0].matrix }
	for _, c := range []struct {
		text, what string
		measure    func(k *canvas) float64
	}{
		{"translate:0.3", "columns, of the width", func(k *canvas) float64 { return of(k).c / w / 0.3 }},
		{"translate:0.3", "rows, of the height", func(k *canvas) float64 { return of(k).f / h / 0.3 }},
		{"rotate:40", "angle", func(k *canvas) float64 { return math.Atan2(of(k).d, of(k).a) / (40 * deg) }},
		{"shear:30", "angle of the columns", func(k *canvas) float64 { return math.Atan(of(k).b) / (30 * deg) }},
		{"stretch:0.5", "logarithm of the width", func(k *canvas) float64 { return math.Log(of(k).a) / math.Log(1.5) }},
		{"stretch:0.5", "logarithm of the height", func(k *canvas) float64 { return math.Log(of(k).e) / math.Log(1.5) }},
		{"lens:0.4", "how much farther the corner's point is", func(k *canvas) float64 {
			x, y := k.chain[0].bend.at(w, h) // at the distance 1
			return (math.Hypot(x-w/2., y-h/2.)/math.Hypot(w/2., h/2.) - 1) / 0.4
		}},
		{"hue:0.1", "turns of the circle", func(k *canvas) float64 {
			turn := product3(product3(toYIQ, k.tint.m), fromYIQ)
			return math.Atan2(turn[2][1], turn[1][1]) / (2 * math.Pi) / 0.1
		}},
		{"brightness:0.3", "factor", func(k *canvas) float64 { return (k.tint.m[1][1] - 1) / 0.3 }},
	} {
		a, err := ParseAugment(c.text)
		if err != nil {
			t.Fatal(err)
		}
		var k canvas
		img := make([]byte, 3*h*w)
		least, most, mean, square := 1.0, -1.0, 0.0, 0.0
		const n = 2000
		for i := range n {
			k.begin(img, 3, h, w)
			k.rand.seed(8, uint64(i))
			a[0].apply(&k)
			v := c.measure(&k)
			least, most, mean, square = min(least, v), max(most, v), mean+v/n, square+v*v/n
		}
		const rounding = 1e-9
		if least < -1-rounding || least > -0.99 || most > 1+rounding || most < 0.99 || math.Abs(mean) > 0.052 || math.Abs(square-1./3) > 0.027 {
			t.Errorf("%s, %s: from %.4f to %.4f of the range, mean %.4f, mean square %.4f; want -1 to 1, evenly", c.text, c.what, least, most, mean, square)
		}
	}
}

// Every place of a patch occurs, those at all four edges too. Of 12 places each has 100 of 1,200 epochs; five deviations are 48.
func TestPatchComesFromEveryPlace(t *testing.T) {
	const h, w, size = 6, 5, 3
	set := &Set{Name: "numbers", C: 1, H: h, W: w, Classes: []string{"a"}, Labels: []int32{0}, Pixels: make([]byte, h*w)}
	for p := range set.Pixels {
		set.Pixels[p] = byte(p)
	}
	g := augmenter(t, "patch:3", set, 4)
	seen := map[int]int{}
	for e := range 1200 {
		got := g.Image(e, 0)
		first := int(got[0])
		for p, v := range got {
			if int(v) != first+p/size*w+p%size {
				t.Fatalf("epoch %d: %v is no part of the image", e, got)
			}
		}
		seen[first]++
	}
	for y := range h - size + 1 {
		for x := range w - size + 1 {
			if n := seen[y*w+x]; n < 52 || n > 148 {
				t.Errorf("the patch from row %d, column %d occurs %d times in 1,200", y, x, n)
			}
		}
	}
}

// Two equal steps of a chain draw numbers of their own. Where they did not, two flips would undo each other in every epoch.
func TestEachStepDrawsItsOwnNumbers(t *testing.T) {
	set := coloured(1, 4, 5)
	g := augmenter(t, "flip+flip", set, 1)
	flipped := 0
	for e := range 1000 {
		if !bytes.Equal(g.Image(e, 0), set.Image(0)) {
			flipped++
		}
	}
	if flipped < 437 || flipped > 563 { // four standard deviations of 1,000 coins are 63
		t.Errorf("flipped in %d of 1,000 epochs", flipped)
	}
}

func TestColourFormulas(t *testing.T) {
	set := coloured(20, 6, 6)
	luma := func(r, g, b float64) float64 { return 0.299*r + 0.587*g + 0.114*b }
	for _, c := range []struct {
		text string
		step int
		want func(f, mean float64, rgb [3]float64) [3]float64
	}{
		{"brightness:0.4", 0, func(f, _ float64, p [3]float64) [3]float64 { return [3]float64{f * p[0], f * p[1], f * p[2]} }},
		{"contrast:0.6", 0, func(f, mean float64, p [3]float64) [3]float64 {
			return [3]float64{mean + f*(p[0]-mean), mean + f*(p[1]-mean), mean + f*(p[2]-mean)}
		}},
		{"saturation:1", 0, func(f, _ float64, p [3]float64) [3]float64 {
			y := luma(p[0], p[1], p[2])
			return [3]float64{y + f*(p[0]-y), y + f*(p[1]-y), y + f*(p[2]-y)}
		}},
	} {
		g := augmenter(t, c.text, set, 7)
		by := map[string]float64{"brightness:0.4": 0.4, "contrast:0.6": 0.6, "saturation:1": 1}[c.text]
		for i := range set.Len() {
			img, got := set.Image(i), g.Image(2, i)
			var r source
			r.seed(7, stepKey(2, i, 0))
			f := r.between(1-by, 1+by)
			mean := 0.0
			for p := range 36 {
				mean += luma(float64(img[p]), float64(img[36+p]), float64(img[72+p])) / 36
			}
			for p := range 36 {
				want := c.want(f, mean, [3]float64{float64(img[p]), float64(img[36+p]), float64(img[72+p])})
				for ch, v := range want {
					v = min(max(v, 0), 255)
					// Half a level, and numbers of the matrix to 2⁻¹³ of up to 765.
					if d := math.Abs(float64(got[ch*36+p]) - v); d > 0.6 {
						t.Fatalf("%s, image %d, pixel %d, channel %d: %d, want %.2f", c.text, i, p, ch, got[ch*36+p], v)
					}
				}
			}
		}
	}
}

// Hue keeps luma and turns a half circle into the complement; grey stays grey.
func TestHueTurnsTheCircle(t *testing.T) {
	half := product3(product3(fromYIQ, [3][3]float64{{1, 0, 0}, {0, -1, 0}, {0, 0, -1}}), toYIQ)
	if whole := product3(half, half); !near3(whole, identityTint.m, 1e-14) {
		t.Errorf("two half turns are %v", whole)
	}
	set := coloured(1, 4, 4)
	for p := range 16 {
		set.Pixels[p], set.Pixels[16+p], set.Pixels[32+p] = byte(10*p), byte(10*p), byte(10*p)
	}
	if got := augmenter(t, "hue:0.5", set, 1).Image(1, 0); !bytes.Equal(got, set.Pixels) {
		t.Errorf("grey becomes %v", got)
	}
	set = coloured(10, 8, 8)
	g := augmenter(t, "hue:0.04", set, 3)
	changed := false
	for i := range set.Len() {
		img, got := set.Image(i), g.Image(0, i)
		for p := range 64 {
			y := func(b []byte) float64 {
				return 0.299*float64(b[p]) + 0.587*float64(b[64+p]) + 0.114*float64(b[128+p])
			}
			if clipped := min(got[p], got[64+p], got[128+p]) == 0 || max(got[p], got[64+p], got[128+p]) == 255; !clipped && math.Abs(y(img)-y(got)) > 1 {
				t.Fatalf("image %d, pixel %d: luma %v becomes %v", i, p, y(img), y(got))
			}
		}
		changed = changed || !bytes.Equal(img, got)
	}
	if !changed {
		t.Error("no colour changes")
	}
}

func near3(a, b [3][3]float64, tolerance float64) bool {
	for i := range 3 {
		for j := range 3 {
			if !(math.Abs(a[i][j]-b[i][j]) <= tolerance) {
				return false
			}
		}
	}
	return true
}

// A = V·diag·Vᵀ with orthonormal rows of V, the largest value first.
func TestEigenDecomposes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		var b, back, unit [3][3]float64
		for i := range 3 {
			for j := range 3 {
				b[i][j] = r.NormFloat64()
			}
		}
		a := product3(b, transposed(b))
		values, v := eigen(a)
		for i := range 3 {
			for j := range 3 {
				for k := range 3 {
					back[i][j] += values[k] * v[k][i] * v[k][j]
					unit[i][j] += v[i][k] * v[j][k]
				}
			}
		}
		if !near3(back, a, 1e-12) || !near3(unit, identityTint.m, 1e-13) || values[0] < values[1] || values[1] < values[2] {
			t.Fatalf("%v has values %v and axes %v", a, values, v)
		}
	}
}

// Colours that vary along one axis only are offset along it, all pixels alike.
func TestPCAOffsetsAlongTheAxes(t *testing.T) {
	set := coloured(40, 4, 4)
	for i := range set.Len() {
		for p := range 16 {
			set.Image(i)[p], set.Image(i)[16+p], set.Image(i)[32+p] = byte(60+3*i), byte(60+2*i), byte(90)
		}
	}
	g := augmenter(t, "pca:0.5", set, 1)
	// The variance of 0 … 39 is (40² - 1)/12; the axis (3, 2, 0)/√13.
	if got, want := g.canvas.colours.variance[0], 13*(1600-1)/12./255/255; math.Abs(got-want) > 1e-9 {
		t.Errorf("variance %v, want %v", got, want)
	}
	moved := 0.0
	for e := range 200 {
		got, img := g.Image(e, 20), set.Image(20)
		d := [3]int{int(got[0]) - int(img[0]), int(got[16]) - int(img[16]), int(got[32]) - int(img[32])}
		moved += float64(d[0] * d[0])
		for p := range 48 {
			if int(got[p])-int(img[p]) != d[p/16] {
				t.Fatalf("epoch %d: pixels move differently", e)
			}
		}
		if d[2] != 0 || math.Abs(float64(2*d[0]-3*d[1])) > 3 { // each is half a level off at most
			t.Fatalf("epoch %d: moves by %v, want along (3, 2, 0)", e, d)
		}
	}
	// 255·0.5·variance·3/√13 is the deviation; 200 draws give it to within a fifth.
	want := 255 * 0.5 * 13 * (1600 - 1) / 12. / 255 / 255 * 3 / math.Sqrt(13)
	if got := math.Sqrt(moved / 200); math.Abs(got-want) > 0.2*want+0.3 {
		t.Errorf("red moves by %v on average, want %v", got, want)
	}
}

func TestCutoutPaintsASquareInTheMeanColour(t *testing.T) {
	set := coloured(2, 9, 10)
	set.Pixels[0] = 255
	g := augmenter(t, "cutout:4", set, 2)
	mean := measureColours(set)
	whole, most := 0, 0
	for e := range 300 {
		img, got := set.Image(1), g.Image(e, 1)
		painted := 0
		for p := range 90 {
			same, cut := true, true
			for ch := range 3 {
				same = same && got[ch*90+p] == img[ch*90+p]
				cut = cut && got[ch*90+p] == mean.level(ch)
			}
			if !same && !cut {
				t.Fatalf("epoch %d, pixel %d is neither of the image nor mean", e, p)
			}
			if !same {
				painted++
			}
		}
		most = max(most, painted)
		if painted == 16 {
			whole++
		}
	}
	// The centre lies far enough inside in 6·7 of 90 places; 300 draws, four deviations.
	if most != 16 || whole < 105 || whole > 175 {
		t.Errorf("at most %d pixels, 16 in %d of 300 epochs", most, whole)
	}
}

// The square is centred on the pixel that is drawn: one of 3×3 covers each corner of the image in four places of 9·10, 133 of 3,000
// epochs; five deviations are 57.
func TestCutoutIsCentred(t *testing.T) {
	set := coloured(2, 9, 10)
	g := augmenter(t, "cutout:3", set, 2)
	paint, img := measureColours(set).level(0), set.Image(1)
	corners := map[int]int{0: 0, 9: 0, 80: 0, 89: 0}
	for e := range 3000 {
		got := g.Image(e, 1)
		for p := range corners {
			if img[p] == paint {
				t.Fatalf("corner %d has the mean colour already", p)
			}
			if got[p] == paint {
				corners[p]++
			}
		}
	}
	for p, n := range corners {
		if n < 76 || n > 190 {
			t.Errorf("the corner at row %d, column %d is painted in %d of 3,000 epochs", p/10, p%10, n)
		}
	}
}

// The displacement has the spread that theory gives: that of even numbers, 1/√3, through a Gaussian, 1/(2σ√π), times α.
func TestElasticFieldIsSmoothAndAsStrongAsItSays(t *testing.T) {
	var k canvas
	k.begin(make([]byte, 100*100), 1, 100, 100)
	k.rand.seed(1, 2)
	d := k.field(&k.fieldX, Elastic{34, 4})
	sum, step := 0.0, 0.0
	for i := 20; i < 80; i++ {
		for j := 20; j < 80; j++ {
			v := d[i*100+j]
			sum += v * v / 3600
			step = max(step, math.Abs(v-d[i*100+j+1]))
		}
	}
	want := 34 / math.Sqrt(3) / (2 * 4 * math.Sqrt(math.Pi))
	if got := math.Sqrt(sum); math.Abs(got-want) > 0.3*want { // some 3600/(4π·4²) = 18 independent places
		t.Errorf("spread %v, want %v", got, want)
	}
	if step > 1.5 {
		t.Errorf("neighbours differ by %v pixels", step)
	}
}

func TestResizedCropKeepsItsRanges(t *testing.T) {
	var r source
	r.seed(1, 1)
	least, most := 1.0, 0.0
	for range 5000 {
		x, y, h, w := ResizedCrop{Area: 0.25}.part(&r, 60, 80)
		if x < 0 || y < 0 || h < 1 || w < 1 || x+w > 80 || y+h > 60 {
			t.Fatalf("part of %d×%d at (%d, %d)", h, w, x, y)
		}
		area, ratio := float64(h*w)/4800, float64(w)/float64(h)
		least, most = min(least, area), max(most, area)
		if area < 0.24 || ratio < 0.72 || ratio > 1.4 {
			t.Fatalf("part of %d×%d: %v of the image, sides %v", h, w, area, ratio)
		}
	}
	if least > 0.27 || most < 0.9 {
		t.Errorf("areas from %v to %v, want 0.25 to nearly 1", least, most)
	}
	// Nothing of that shape fits into a line: the largest square.
	if _, _, h, w := (ResizedCrop{Area: 1}).part(&r, 4, 100); h != 4 || w != 4 {
		t.Errorf("part of %d×%d, want 4×4", h, w)
	}
}

func TestAugmentSizes(t *testing.T) {
	for _, c := range []struct {
		text    string
		c, h, w int
		want    string
	}{
		{"", 3, 30, 40, "30×40"},
		{"cifar", 3, 32, 32, "32×32"},
		{"resnet", 3, 400, 500, "224×224"},
		{"alexnet", 3, 400, 500, "224×224"},
		{"scale:256", 3, 400, 500, "256×320"},
		{"scale:256", 3, 500, 400, "320×256"},
		{"resized-crop:64", 1, 10, 500, "64×64"},
		{"resized-crop", 1, 10, 500, "10×500"},
		{"scale:256,480", 3, 400, 500, "augment: scale:256,480 leaves images of different sizes; end with a crop, as patch:256"},
		{"patch:33", 3, 32, 40, "augment: patch:33: want a size of 1 to 32 pixels for images of 32×40, got 33"},
		{"scale:20,30+patch:25", 3, 32, 32, "augment: patch:25: want a size of 1 to 20 pixels for images of 20×20, got 25"},
		{"hue:0.1", 1, 28, 28, "augment: hue:0.1: want images of 3 channels, got 1"},
		{"pca", 1, 28, 28, "augment: pca:0.1: want images of 3 channels, got 1"},
		{"rotate:200", 1, 28, 28, "augment: rotate:200: want degrees of 0 to 180, got 200"},
		{"brightness:-1", 1, 28, 28, "augment: brightness:-1: want a strength of 0 to 1, got -1"},
		{"crop:-1", 1, 28, 28, "augment: crop:-1: want a padding of 0 to 32768 pixels, got -1"},
		{"mixup:0", 1, 28, 28, "augment: mixup:0: want a parameter of 0.001 to 1000, got 0"},
		{"mixup+mixup", 1, 28, 28, "augment: mixup:0.2+mixup:0.2 mixes images 2 times, want once"},
		{"scale:480,256", 1, 28, 28, "480×480"},
	} {
		a, err := ParseAugment(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		h, w, err := a.Size(c.c, c.h, c.w)
		got := fmt.Sprintf("%d×%d", h, w)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q on %d×%d×%d: %s, want %s", c.text, c.c, c.h, c.w, got, c.want)
		}
	}
}

func TestAugmentText(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "cifar": "crop:4+flip:0.5", " crop:2 + flip ": "crop:2+flip:0.5", "elastic": "elastic:34,4", "scale:9": "scale:9", "resnet+cutout:56": "scale:256,480+patch:224+flip:0.5+cutout:56",
		"border:reflect+rotate:1e-3": "border:reflect+rotate:0.001", "top-left:5+bottom-right:3": "top-left:5+bottom-right:3",
	} {
		a, err := ParseAugment(text)
		if err != nil || a.String() != want {
			t.Errorf("%q: %v, %v, want %q", text, a, err, want)
		}
	}
	all, err := ParseAugment(everyStep)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseAugment(all.String()); err != nil || !slices.Equal(again, all) {
		t.Errorf("%v reads as %v, %v", all, again, err)
	}
	for text, want := range map[string]string{
		"flop": `augment: unknown step "flop", known: border, flip, crop,`, "crop": `augment: "crop" has 0 numbers, want crop:PAD`,
		"crop:1.5": `augment: "crop:1.5": "1.5" is no whole number, want crop:PAD`, "flip:x": `augment: "flip:x": "x" is no number, want flip[:P]`,
		"border:white": `augment: got "border:white", want border: and one of black, edge, reflect, mean`, "crop:1++flip": `augment: unknown step ""`,
		"elastic:1,2,3": `augment: "elastic:1,2,3" has 3 numbers, want elastic[:ALPHA[,SIGMA]]`, "rotate:nan": `augment: "rotate:nan": "nan" is no number`,
	} {
		if _, err := ParseAugment(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

func FuzzAugment(f *testing.F) {
	for _, s := range []string{everyStep, "cifar", "resnet", "alexnet+cutout:1e9", "scale:1e9", "elastic:1e4,100", "lens:1+shear:80+stretch:10"} {
		f.Add(s)
	}
	set := coloured(3, 9, 8)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAugment(text)
		if err != nil {
			return
		}
		if again, err := ParseAugment(a.String()); err != nil || again.String() != a.String() {
			t.Fatalf("%q prints as %q, which reads as %v, %v", text, a, again, err)
		}
		h, w, err := a.Size(3, 9, 8)
		if err != nil || h*w > 10000 || len(a) > 20 || strings.Contains(a.String(), "scale") || strings.Contains(a.String(), "crop") {
			return // large ones only take time
		}
		g, err := a.For(set, 1)
		if err != nil {
			t.Fatalf("%q has a size but: %v", text, err)
		}
		if got := len(g.Image(0, 1)); got != 3*h*w {
			t.Fatalf("%q gives %d bytes, want 3×%d×%d", text, got, h, w)
		}
	})
}

// The picture of an image in an epoch is written down: runs are repeated from their seed by later versions too.
func TestAugmentGolden(t *testing.T) {
	g := augmenter(t, everyStep, coloured(4, 18, 21), 11)
	if got, want := fmt.Sprintf("%x", sha256.Sum256(g.Image(2, 3)))[:16], "99cbc610f9217141"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBetaMoments(t *testing.T) {
	for _, a := range []float64{0.2, 1, 3} {
		var r source
		r.seed(4, uint64(a*10))
		mean, square := 0.0, 0.0
		const n = 40000
		for range n {
			v := r.beta(a)
			if v < 0 || v > 1 {
				t.Fatalf("beta(%v) gives %v", a, v)
			}
			mean, square = mean+v/n, square+v*v/n
		}
		variance := 1 / (4 * (2*a + 1))
		if math.Abs(mean-0.5) > 4*math.Sqrt(variance/n) || math.Abs(square-mean*mean-variance) > 0.03*variance {
			t.Errorf("beta(%v): mean %v, variance %v, want 0.5 and %v", a, mean, square-mean*mean, variance)
		}
	}
}

func TestMixupMixesWithAnotherImageOfTheEpoch(t *testing.T) {
	set := coloured(30, 6, 6)
	norm := ChannelMeanStd(set)
	a, err := ParseAugment("crop:1+flip+mixup:1")
	if err != nil {
		t.Fatal(err)
	}
	l := &Loader{Set: set, Batch: 7, Norm: norm, Seed: 3, Shuffle: true, Augment: a, Workers: 2}
	g, err := a.For(set, 3)
	if err != nil {
		t.Fatal(err)
	}
	x, y := make([]float32, set.Dim()), make([]float32, set.Dim())
	others := map[int]bool{}
	for b := range l.Epoch(4) {
		for j, i := range b.Index {
			partner, share := g.mix(Mixup{1}, 2, 4, i)
			others[partner] = true
			if share < 0.5 || share > 1 || b.Share[j] != float32(share) || b.Other[j] != set.Labels[partner] || b.Y[j] != set.Labels[i] {
				t.Fatalf("image %d: share %v, labels %d and %d", i, b.Share[j], b.Y[j], b.Other[j])
			}
			norm.apply(x, g.Image(4, i))
			norm.apply(y, g.Image(4, partner))
			for p := range x {
				want := float64(x[p])*share + float64(y[p])*(1-share)
				if got := float64(b.X[j*set.Dim()+p]); math.Abs(got-want) > 1e-6 {
					t.Fatalf("image %d, element %d: %v, want %v", i, p, got, want)
				}
			}
		}
	}
	if l.Err() != nil || len(others) < 12 {
		t.Errorf("%v; only %d partners for 30 images", l.Err(), len(others))
	}
}
