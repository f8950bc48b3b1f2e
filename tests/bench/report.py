"""The table, and the same as CSV and as a picture."""

import csv
from xml.sax.saxutils import escape


def line(row):
    return (f"{row.name:68} {row.p2:>12} {row.floor:>16} {row.shown:>12} {row.demanded:>12}  "
            f"{'ok' if row.met else 'MISSED'}")


def heading():
    return f"{'figure':68} {'p2':>12} {'floor':>16} {'result':>12} {'demanded':>12}"


def write_csv(path, rows, details):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["figure", "p2", "floor", "result", "demanded", "met"])
        for row in rows:
            writer.writerow([row.name, row.p2, row.floor, f"{row.value:.4g}", row.demanded, "yes" if row.met else "no"])
        for name, value in details.items():
            writer.writerow([name, f"{value:.4g}" if isinstance(value, float) else value, "", "", "", ""])


def write_svg(path, rows):
    """One bar a figure: how much of what is allowed is used. The line is where it would be missed."""
    left, width, height, full = 480, 420, 26, 1.5
    parts = [f"<svg xmlns='http://www.w3.org/2000/svg' width='{left + width + 130}' height='{len(rows) * height + 50}' "
             "font-family='sans-serif' font-size='12'><rect width='100%' height='100%' fill='white'/>"]
    for number, row in enumerate(rows):
        used = (row.limit / row.value if row.at_least else row.value / row.limit) if row.value > 0 else 0
        y = 30 + number * height
        bar = max(1, min(used, full) / full * width)
        parts.append(f"<text x='{left - 8}' y='{y + 15}' text-anchor='end'>{escape(row.name)}</text>"
                     f"<rect x='{left}' y='{y + 3}' width='{bar:.0f}' height='{height - 8}' "
                     f"fill='{'#4a8' if row.met else '#c54'}'/>"
                     f"<text x='{left + bar + 6:.0f}' y='{y + 15}'>{escape(row.shown)}</text>")
    mark = left + width / full
    parts.append(f"<line x1='{mark}' y1='24' x2='{mark}' y2='{30 + len(rows) * height}' stroke='#333'/>"
                 f"<text x='{mark}' y='18' text-anchor='middle'>what is demanded</text></svg>")
    with open(path, "w") as file:
        file.write("\n".join(parts) + "\n")
