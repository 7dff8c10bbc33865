"""examples/16_脚本.yaml 的脚本。 The script of examples/16_脚本.yaml."""

# 脚本里有 get_var、set_var、args、response、log；结果是最后一行的值。
# A script finds get_var, set_var, args, response and log; its last line is its value.
paid = get_var("total")
log(f"付了 {paid}，参数是 {args}")
{"paid": paid, "currency": args["currency"]}
