"""What demonstrations alone tell of a policy, without an environment: errors on episodes kept out, plain rivals.

Here belongs what predicts or judges recorded actions; what plays an environment belongs to ``rollouts``.
"""
