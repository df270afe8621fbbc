//! A plot as SVG: lines of points, both axes logarithmic.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
/// Where the points are, within that.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 684.0;
const TOP: f64 = 112.0;
const BOTTOM: f64 = 356.0;
/// Told apart by who sees no red or no green, too.
const COLOURS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];
const INK: &str = "#222222";
const PALE: &str = "#666666";
const GRID: &str = "#e3e3e3";

pub struct Plot {
    pub title: &'static str,
    /// How it came to be.
    pub note: String,
    pub x: Axis,
    /// What the times are of; their ticks are found here.
    pub y: &'static str,
    pub lines: Vec<Line>,
}

pub struct Axis {
    pub label: &'static str,
    /// Values, and how they are written.
    pub ticks: Vec<(f64, String)>,
}

pub struct Line {
    pub name: &'static str,
    pub points: Vec<Point>,
}

/// Times are in nanoseconds.
pub struct Point {
    pub x: f64,
    pub least: f64,
    pub median: f64,
    pub most: f64,
}

impl Plot {
    pub fn to_svg(&self) -> String {
        let mut svg = Svg::new(self.title);
        let x = Scale::new(
            ends(self.x.ticks.iter().map(|tick| tick.0)),
            (LEFT + 16.0, RIGHT - 16.0),
        );
        let times = self.times();
        let y = Scale::new(ends(times.iter().copied()), (BOTTOM, TOP));
        svg.text((24.0, 34.0), Anchor::Start, INK, 17, self.title);
        svg.text((24.0, 54.0), Anchor::Start, PALE, 11, &self.note);
        for &ns in &times {
            svg.line((LEFT, y.at(ns)), (RIGHT, y.at(ns)), GRID, 1.0);
            svg.text(
                (LEFT - 10.0, y.at(ns) + 4.0),
                Anchor::End,
                INK,
                12,
                &time(ns),
            );
        }
        for (value, written) in &self.x.ticks {
            svg.line(
                (x.at(*value), BOTTOM),
                (x.at(*value), BOTTOM + 5.0),
                PALE,
                1.0,
            );
            svg.text(
                (x.at(*value), BOTTOM + 20.0),
                Anchor::Middle,
                INK,
                12,
                written,
            );
        }
        svg.line((LEFT, BOTTOM), (RIGHT, BOTTOM), PALE, 1.0);
        svg.text(
            ((LEFT + RIGHT) / 2.0, BOTTOM + 44.0),
            Anchor::Middle,
            INK,
            12,
            self.x.label,
        );
        self.legend(&mut svg);
        for (line, colour) in self.lines.iter().zip(COLOURS) {
            line.draw(&mut svg, &x, &y, colour);
        }
        svg.end()
    }

    /// Round numbers, the first below all points and bars, the last above them. Decades alone, where they are many.
    fn times(&self) -> Vec<f64> {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let least = points().map(|point| point.least).fold(f64::MAX, f64::min);
        let most = points().map(|point| point.most).fold(0.0, f64::max);
        let within: &[f64] = match most / least {
            ratio if ratio < 100.0 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let decades = (0..12).map(|power| 10f64.powi(power));
        let round: Vec<f64> = decades
            .flat_map(|decade| within.iter().map(move |times| times * decade))
            .collect();
        let from = round.partition_point(|&time| time <= least).max(1) - 1;
        let to = round.partition_point(|&time| time < most);
        round[from..=to].to_vec()
    }

    fn legend(&self, svg: &mut Svg) {
        let mut left = LEFT;
        for (line, colour) in self.lines.iter().zip(COLOURS) {
            let middle = TOP - 26.0;
            svg.line((left, middle), (left + 22.0, middle), colour, 2.5);
            svg.dot((left + 11.0, middle), colour);
            svg.text(
                (left + 30.0, middle + 4.0),
                Anchor::Start,
                INK,
                13,
                line.name,
            );
            left += 30.0 + 7.5 * line.name.len() as f64 + 30.0; // about what the letters take
        }
        svg.text((24.0, TOP - 22.0), Anchor::Start, INK, 12, self.y);
    }
}

impl Line {
    fn draw(&self, svg: &mut Svg, x: &Scale, y: &Scale, colour: &str) {
        for point in &self.points {
            let at = x.at(point.x);
            svg.line((at, y.at(point.least)), (at, y.at(point.most)), colour, 1.0);
        }
        for pair in self.points.windows(2) {
            let [from, to] = [&pair[0], &pair[1]].map(|point| (x.at(point.x), y.at(point.median)));
            svg.line(from, to, colour, 2.0);
        }
        for point in &self.points {
            svg.dot((x.at(point.x), y.at(point.median)), colour);
        }
    }
}

/// From logarithms to places.
struct Scale {
    values: (f64, f64),
    places: (f64, f64),
}

impl Scale {
    fn new((least, most): (f64, f64), places: (f64, f64)) -> Scale {
        Scale {
            values: (least.log10(), most.log10()),
            places,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value.log10() - self.values.0) / (self.values.1 - self.values.0);
        self.places.0 + share * (self.places.1 - self.places.0)
    }
}

fn ends(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let most = values.clone().fold(f64::MIN, f64::max);
    (values.fold(f64::MAX, f64::min), most)
}

/// A round number of nanoseconds.
fn time(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns} ns"),
        ns if ns < 1e6 => format!("{} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{} ms", ns / 1e6),
        ns => format!("{} s", ns / 1e9),
    }
}

enum Anchor {
    Start,
    Middle,
    End,
}

struct Svg(String);

impl Svg {
    fn new(title: &str) -> Svg {
        Svg(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" font-family=\"Helvetica, Arial, sans-serif\">\n<title>{title}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
        ))
    }

    fn put(&mut self, element: std::fmt::Arguments) {
        writeln!(self.0, "{element}").expect("a string takes all");
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, width: f64) {
        self.put(format_args!(
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    fn dot(&mut self, (x, y): (f64, f64), colour: &str) {
        self.put(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>"
        ));
    }

    /// The texts are the crate's own, and have no characters that XML would take for its own.
    fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, colour: &str, size: u32, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\" font-size=\"{size}\">{text}</text>"
        ));
    }

    fn end(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}
