-- For wrk: what failed, as JSON. STORM=1 asks for what is not there, each time something else.
local turn = 0

if os.getenv("STORM") then
	function request()
		turn = turn + 1
		return wrk.format("GET", wrk.path .. "/" .. turn)
	end
end

function done(summary, latency)
	local errors = summary.errors
	io.write(string.format(
		'{"requests":%d,"statuses":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"slowest":%.3f,"seconds":%.1f}\n',
		summary.requests, errors.status, errors.connect, errors.read, errors.write,
		errors.timeout, latency.max / 1e6, summary.duration / 1e6))
end
