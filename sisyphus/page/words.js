const WORDS = {
  en: {
    'skip': 'Skip to the steps',
    'state.waiting': 'Waiting', 'state.running': 'Running', 'state.passed': 'Passed', 'state.failed': 'Failed',
    'state.error': 'Error', 'state.cancelled': 'Cancelled', 'state.skipped': 'Skipped', 'state.success': 'Passed',
    'state.failure': 'Failed', 'state.ended': 'Ended',
    'connection.connecting': 'Connecting…', 'connection.live': 'Live', 'connection.finished': 'Run ended',
    'connection.lost': 'Connection lost, next try in {s} s', 'connection.lost.now': 'Connection lost, trying again…',
    'connection.report': 'Report', 'connection.reading': 'Reading the report…', 'connection.behind': 'Live, catching up: {n} events',
    'reconnect': 'Reconnect now',
    'language': '中文', 'language.label': '用中文显示', 'theme.label': 'Appearance: {theme}', 'theme.auto': 'as the system',
    'theme.light': 'light', 'theme.dark': 'dark',
    'progress': 'Progress of the run', 'tabs': 'Views', 'splitter': 'Width of the panes',
    'figures.steps': '{done} of {total} steps', 'figures.cases': '{done} of {total} cases', 'figures.remaining': 'about {time} left',
    'cases': '{n} cases',
    'tab.steps': 'Steps', 'tab.detail': 'Details', 'tab.problems': 'Problems', 'tab.log': 'Log', 'tab.variables': 'Variables',
    'filter.status': 'Show by status', 'filter.text': 'Find steps', 'filter.all': 'All', 'filter.failed': 'Failed',
    'filter.running': 'Running', 'filter.passed': 'Passed', 'filter.skipped': 'Skipped',
    'next.failure': 'Next failure (n)', 'fold.all': 'Fold all', 'unfold.all': 'Unfold all', 'follow': 'Follow the run (f)',
    'scale': 'One time scale per case',
    'column.step': 'Step', 'column.type': 'Type', 'column.status': 'Status', 'column.time': 'Time',
    'tree.none': 'Nothing has run yet.', 'tree.nothing': 'No step matches.', 'tree.clear': 'Show all steps',
    'round': 'Round {n}', 'setup': 'Setup', 'teardown': 'Teardown', 'role.setup': 'setup', 'role.teardown': 'teardown',
    'inner': '{n} inside', 'inner.failed': '{n} failed', 'retries': '{n} retries', 'unit.ms': 'ms', 'unit.s': 's', 'unit.min': 'min', 'unit.h': 'h',
    'detail.none': 'Choose a step to see what was sent and what came.', 'detail.hint': 'Enter or a click opens it; / searches, ? shows all keys.',
    'detail.loading': 'Loading…', 'detail.running': 'The step is still running; its details come when it ends.',
    'detail.gone': 'The engine no longer keeps the details of this step.',
    'detail.failed': 'The details could not be loaded: {why}', 'detail.over': 'The server that had the details has gone. It stays for a while with --ws-linger; a report keeps them for good.',
    'detail.again': 'Try again', 'detail.case': 'Case', 'detail.cancelled': 'The step did not end.',
    'detail.suggestion': 'What to do', 'detail.type': 'Type', 'detail.started': 'Began', 'detail.duration': 'Took', 'detail.retries': 'Retries', 'detail.where': 'Where',
    'detail.id': 'ID', 'detail.description': 'Description', 'detail.reason': 'Reason', 'detail.steps': 'Steps',
    'detail.timings': 'Where the time went', 'detail.request': 'Request', 'detail.response': 'Response', 'detail.headers': 'Headers',
    'detail.validations': 'Checks', 'detail.attempts': 'Attempts', 'detail.extracted': 'Extracted',
    'detail.warnings': 'Warnings', 'detail.actual': 'got', 'detail.history': 'Redirects', 'detail.result': 'Result',
    'detail.no.body': 'No body', 'detail.more': 'Show all ({size})', 'detail.rest': 'rest {time}',
    'detail.failures': 'Failed inside',
    'detail.load': 'What the load showed', 'detail.request.one': 'One of the requests', 'detail.response.one': 'Its response',
    'load.count': 'Requests', 'load.failures': 'Failed', 'load.rate': 'Per second', 'load.threads': 'Tasks', 'load.statuses': 'Statuses',
    'load.min': 'Fastest', 'load.mean': 'Mean', 'load.p50': 'p50', 'load.p90': 'p90', 'load.p95': 'p95', 'load.p99': 'p99', 'load.max': 'Slowest',
    'phase.dns': 'DNS', 'phase.connect': 'Connecting', 'phase.tls': 'TLS', 'phase.send': 'Sending', 'phase.wait': 'Waiting',
    'phase.receive': 'Receiving', 'phase.total': 'Total',
    'copy.json': 'Copy as JSON', 'copy.curl': 'Copy as curl', 'copy.done': 'Copied', 'copy.failed': 'Could not copy',
    'category.assertion': 'assertion', 'category.network': 'network', 'category.timeout': 'timeout', 'category.parsing': 'parsing',
    'category.business': 'business', 'category.system': 'system', 'detail.start': 'What failed',
    'problems.none': 'No problems so far.', 'problem.case': 'Case',
    'log.level': 'Level', 'log.level.debug': 'All levels', 'log.level.info': 'Info and above', 'log.level.warning': 'Warnings and errors',
    'log.level.error': 'Errors only', 'log.text': 'Find in the log', 'log.step': 'This step only', 'log.none': 'Nothing to show.',
    'log.dropped': 'The oldest log lines were dropped: the page keeps {n}.', 'log.show': 'Show the step',
    'level.debug': 'debug', 'level.info': 'info', 'level.warning': 'warning', 'level.error': 'error', 'level.critical': 'critical',
    'variables.text': 'Find variables', 'variables.none': 'No variables were sent. A case sends them with, in its config, “websocket: {send_variables: true}”.',
    'gap': 'Events {from} to {to} were lost while the connection was down. What they told is missing here.',
    'missing': 'The engine no longer keeps the run’s first events; this page begins with event {from}.',
    'unreadable': '{n} messages could not be read.', 'dismiss': 'Dismiss', 'new.run': 'A new run has begun.',
    'token': 'This run is protected. Its token:', 'token.wrong': 'That was not its token.', 'token.send': 'Watch', 'refused': 'The server refuses this page: {why}',
    'report.empty': 'This report holds no run.', 'report.old': 'This browser is too old to read the report: it lacks DecompressionStream.',
    'report.broken': 'Part of this report is damaged: {why}',
    'announce.problem': 'Problem in {name}: {message}', 'announce.problems': '{n} new problems, the last in {name}', 'announce.end': 'The run has ended: {state}',
    'help.open': 'Keys and help', 'help.title': 'Keys', 'help.shortcuts': 'Single-key shortcuts', 'close': 'Close',
    'key.move': 'previous, next step', 'key.fold': 'fold, unfold; to the step around', 'key.open': 'open the details', 'key.ends': 'first, last step',
    'key.siblings': 'unfold all on this level', 'key.search': 'search', 'key.failure': 'next, previous failure', 'key.follow': 'follow the run',
    'key.tabs': 'details, problems, log, variables', 'key.help': 'this help', 'key.escape': 'clear the search, close',
  },
  zh: {
    'skip': '跳到步骤',
    'state.waiting': '等待中', 'state.running': '运行中', 'state.passed': '通过', 'state.failed': '失败',
    'state.error': '错误', 'state.cancelled': '已取消', 'state.skipped': '已跳过', 'state.success': '通过',
    'state.failure': '失败', 'state.ended': '已结束',
    'connection.connecting': '正在连接…', 'connection.live': '实时', 'connection.finished': '运行已结束',
    'connection.lost': '连接中断，{s} 秒后重试', 'connection.lost.now': '连接中断，正在重试…',
    'connection.report': '报告', 'connection.reading': '正在读取报告…', 'connection.behind': '实时，正在追赶：还有 {n} 个事件',
    'reconnect': '立即重连',
    'language': 'EN', 'language.label': 'Show in English', 'theme.label': '外观：{theme}', 'theme.auto': '跟随系统',
    'theme.light': '浅色', 'theme.dark': '深色',
    'progress': '运行进度', 'tabs': '视图', 'splitter': '窗格宽度',
    'figures.steps': '步骤 {done} / {total}', 'figures.cases': '用例 {done} / {total}', 'figures.remaining': '约剩 {time}',
    'cases': '{n} 个用例',
    'tab.steps': '步骤', 'tab.detail': '详情', 'tab.problems': '问题', 'tab.log': '日志', 'tab.variables': '变量',
    'filter.status': '按状态筛选', 'filter.text': '查找步骤', 'filter.all': '全部', 'filter.failed': '失败',
    'filter.running': '运行中', 'filter.passed': '通过', 'filter.skipped': '跳过',
    'next.failure': '下一个失败 (n)', 'fold.all': '全部折叠', 'unfold.all': '全部展开', 'follow': '跟随运行 (f)',
    'scale': '每个用例使用各自的时间刻度',
    'column.step': '步骤', 'column.type': '类型', 'column.status': '状态', 'column.time': '用时',
    'tree.none': '还没有开始运行。', 'tree.nothing': '没有匹配的步骤。', 'tree.clear': '显示全部步骤',
    'round': '第 {n} 轮', 'setup': '前置', 'teardown': '后置', 'role.setup': '前置', 'role.teardown': '后置',
    'inner': '内含 {n} 步', 'inner.failed': '{n} 个失败', 'retries': '重试 {n} 次', 'unit.ms': 'ms', 'unit.s': 's', 'unit.min': '分', 'unit.h': '小时',
    'detail.none': '选择一个步骤，查看发送和收到的内容。', 'detail.hint': '按 Enter 或点击打开；/ 搜索，? 显示全部按键。',
    'detail.loading': '正在加载…', 'detail.running': '步骤仍在运行，结束后显示详情。',
    'detail.gone': '引擎已不再保留这个步骤的详情。',
    'detail.failed': '无法加载详情：{why}', 'detail.over': '保存详情的服务器已经退出。用 --ws-linger 可让它多留一会儿；报告则会一直保留详情。',
    'detail.again': '重试', 'detail.case': '用例', 'detail.cancelled': '步骤没有结束。',
    'detail.suggestion': '建议', 'detail.type': '类型', 'detail.started': '开始', 'detail.duration': '用时', 'detail.retries': '重试', 'detail.where': '位置',
    'detail.id': 'ID', 'detail.description': '说明', 'detail.reason': '原因', 'detail.steps': '步骤',
    'detail.timings': '时间花在哪里', 'detail.request': '请求', 'detail.response': '响应', 'detail.headers': '头部',
    'detail.validations': '断言', 'detail.attempts': '尝试', 'detail.extracted': '提取的变量',
    'detail.warnings': '警告', 'detail.actual': '实际', 'detail.history': '重定向', 'detail.result': '结果',
    'detail.no.body': '没有正文', 'detail.more': '显示全部（{size}）', 'detail.rest': '间隔 {time}',
    'detail.failures': '内部的失败',
    'detail.load': '压测结果', 'detail.request.one': '其中一个请求', 'detail.response.one': '它的响应',
    'load.count': '请求数', 'load.failures': '失败', 'load.rate': '每秒', 'load.threads': '任务数', 'load.statuses': '状态码',
    'load.min': '最快', 'load.mean': '平均', 'load.p50': 'p50', 'load.p90': 'p90', 'load.p95': 'p95', 'load.p99': 'p99', 'load.max': '最慢',
    'phase.dns': 'DNS', 'phase.connect': '连接', 'phase.tls': 'TLS', 'phase.send': '发送', 'phase.wait': '等待', 'phase.receive': '接收', 'phase.total': '合计',
    'copy.json': '复制为 JSON', 'copy.curl': '复制为 curl', 'copy.done': '已复制', 'copy.failed': '无法复制',
    'category.assertion': '断言', 'category.network': '网络', 'category.timeout': '超时', 'category.parsing': '解析',
    'category.business': '业务', 'category.system': '系统', 'detail.start': '失败的步骤',
    'problems.none': '目前没有问题。', 'problem.case': '用例',
    'log.level': '级别', 'log.level.debug': '全部级别', 'log.level.info': '信息及以上', 'log.level.warning': '警告和错误',
    'log.level.error': '仅错误', 'log.text': '在日志中查找', 'log.step': '仅当前步骤', 'log.none': '没有内容。',
    'log.dropped': '最早的日志已丢弃：页面保留 {n} 行。', 'log.show': '转到步骤',
    'level.debug': '调试', 'level.info': '信息', 'level.warning': '警告', 'level.error': '错误', 'level.critical': '严重',
    'variables.text': '查找变量', 'variables.none': '没有收到变量。在用例的 config 中写 “websocket: {send_variables: true}” 即可发送。',
    'gap': '连接中断期间丢失了事件 {from} 到 {to}，其内容在此缺失。',
    'missing': '引擎已不再保留最早的事件；本页从事件 {from} 开始。',
    'unreadable': '有 {n} 条消息无法读取。', 'dismiss': '关闭提示', 'new.run': '新的运行已开始。',
    'token': '此运行受保护，请输入令牌：', 'token.wrong': '令牌不正确。', 'token.send': '观看', 'refused': '服务器拒绝了此页面：{why}',
    'report.empty': '此报告中没有运行记录。', 'report.old': '浏览器版本过旧，无法读取报告：缺少 DecompressionStream。',
    'report.broken': '报告的一部分已损坏：{why}',
    'announce.problem': '{name} 有问题：{message}', 'announce.problems': '{n} 个新问题，最后一个在 {name}', 'announce.end': '运行已结束：{state}',
    'help.open': '按键与帮助', 'help.title': '按键', 'help.shortcuts': '启用单键快捷键', 'close': '关闭',
    'key.move': '上一步、下一步', 'key.fold': '折叠、展开；到外层步骤', 'key.open': '打开详情', 'key.ends': '第一步、最后一步',
    'key.siblings': '展开同级全部步骤', 'key.search': '搜索', 'key.failure': '下一个、上一个失败', 'key.follow': '跟随运行',
    'key.tabs': '详情、问题、日志、变量', 'key.help': '本帮助', 'key.escape': '清除搜索、关闭',
  },
};

/** What this browser remembers of its user; without storage (private windows, files) just for this visit. */
const memory = {
  get(key) {
    try { return localStorage.getItem(`sisyphus.${key}`); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(`sisyphus.${key}`, value); } catch { /* the choice holds for this visit */ }
  },
};

let language = memory.get('language') ?? ((navigator.language || 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en');
if (!(language in WORDS)) language = 'en';

/** The words for a key in the user's language, with {name} filled in. */
function t(key, values) {
  const text = WORDS[language][key] ?? WORDS.en[key] ?? key;
  return values ? text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole)) : text;
}

/** Words of elements that say with data-t… what they want to be called. */
function translate(root) {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  for (const one of root.querySelectorAll('[data-t]')) one.textContent = t(one.dataset.t);
  for (const one of root.querySelectorAll('[data-t-label]')) {
    one.setAttribute('aria-label', t(one.dataset.tLabel));
    if (one.tagName === 'BUTTON') one.title = t(one.dataset.tLabel);
  }
  for (const one of root.querySelectorAll('[data-t-placeholder]')) one.placeholder = t(one.dataset.tPlaceholder);
}
